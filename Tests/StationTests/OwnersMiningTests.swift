import Foundation
import Lab
import MoneroLab
import Primitives
import StationAPI
import StationClient
import Testing

/// `basestation mining`: the real daemon on a simulated board, the shipped miner, a real monerod.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OwnersMiningTests {
    private func ask(_ daemon: SimulatedDaemon, _ words: String) throws -> CommandTests.Answer {
        try CommandTests.run(
            "basestation", words.split(separator: " ").map(String.init),
            ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"])
    }

    private func start(_ monero: MoneroLab) async throws -> SimulatedDaemon {
        try await SimulatedDaemon(
            tariffs: """
                [mining]
                node = "\(monero.address)"
                login = "\(MoneroLab.wallet)"
                mode = "light"
                threads = 1
                huge_pages = false
                quiet = "2s"
                \(SimulatedDaemon.tariffs)
                """)
    }

    private func until(
        _ daemon: SimulatedDaemon, _ what: String, within seconds: Int = 60, _ isSo: (MiningView) -> Bool
    ) async throws -> MiningView {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var view: MiningView = try await daemon.control.get("/v1/mining")
        while !isSo(view), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
            view = try await daemon.control.get("/v1/mining")
        }
        try #require(isSo(view), "waited for: \(what); \(view)")
        return view
    }

    /// The whole way: the idle board hashes, monerod takes its blocks, the chain grows; a client comes, and it stops.
    @Test func anIdleStationMinesBlocksAndYieldsToAClient() async throws {
        let monero = try await MoneroLab()
        let before = try await monero.height()
        let daemon = try await start(monero)
        let mined = try await until(daemon, "blocks to be found") { $0.blocksFound >= 2 }
        #expect(try await monero.height() >= before + 2)
        #expect(mined.state == .mining && mined.mode == "light" && mined.connected == "monerod at \(monero.address)")
        #expect(mined.shares.accepted >= 2 && mined.hashes > 0 && mined.worker.starts == 1, "\(mined)")

        let shown = try ask(daemon, "mining")
        #expect(shown.status == 0 && shown.out.contains("● mining") && shown.out.contains("the board is idle"), "\(shown)")
        #expect(shown.out.contains("found and accepted") && shown.widest <= 80, "\(shown)")
        let status: StatusView = try await daemon.control.get("/v1/status")
        #expect(status.mining?.state == "mining")
        let metrics = try await daemon.control.text("/metrics")
        #expect(
            metrics.contains("basestation_mining 1\n")
                && metrics.contains("basestation_mining_shares_total{verdict=\"accepted\"}"))

        #expect(try ask(daemon, "sim traffic --client 1 --rate-down 1MB --rate-up 1MB --seconds 600").status == 0)
        let yielded = try await until(daemon, "the client to be served") { $0.state == .waiting }
        #expect(yielded.yields.count >= 1 && yielded.worker.kills == 0, "\(yielded)")
        #expect(yielded.reason.contains("client") && yielded.yields.longestMilliseconds != nil, "\(yielded.reason)")
        let why = try ask(daemon, "mining status")
        #expect(why.out.contains("○ not mining") && why.out.contains("yielded") && why.widest <= 80, "\(why)")
        #expect(try ask(daemon, "sim traffic --client 1 --rate-down 0B --rate-up 0B").status == 0)
        _ = try await until(daemon, "it to mine again") { $0.state == .mining && $0.blocksFound > yielded.blocksFound }
    }

    @Test func theOwnersPauseOutlivesTheDaemon() async throws {
        let monero = try await MoneroLab()
        let daemon = try await start(monero)
        _ = try await until(daemon, "it to mine") { $0.state == .mining }
        let paused = try ask(daemon, "mining pause --for 2h")
        #expect(paused.status == 0 && paused.out.contains("paused by the owner until") && paused.widest <= 80, "\(paused)")
        let forever = try ask(daemon, "mining pause --json")
        #expect(try JSON.decode(MiningView.self, from: Data(forever.out.utf8)).state == .paused)
        try await daemon.restart()
        let after = try await until(daemon, "the pause to hold") { $0.state == .paused }
        #expect(after.hashes == 0 && after.reason.contains("until resumed"), "\(after)")
        let resumed = try ask(daemon, "mining resume")
        #expect(resumed.status == 0 && !resumed.out.contains("paused"), "\(resumed)")
        let mining = try await until(daemon, "it to mine") { $0.state == .mining }
        #expect(mining.today.observedSeconds > 0)
    }

    @Test(arguments: [
        ("mining pause --for never", 2, "no time of"), ("mining pause --for 400d", 2, "no time of"), ("mining stop", 2, "stop"),
        ("mining status", 1, "does not mine"), ("mining resume", 1, "[mining]"),
    ])
    func whatCannotBeIsRefusedInWords(words: String, status: Int32, why: String) async throws {
        let daemon = try await SimulatedDaemon()
        let answer = try ask(daemon, words)
        #expect(answer.status == status && answer.err.contains(why) && answer.widest <= 80, "\(answer)")
    }

    /// monerod goes: it is said, and nobody is served worse; it comes back, and the station mines on.
    @Test func withoutItsNodeTheStationServesOn() async throws {
        let monero = try await MoneroLab()
        let daemon = try await start(monero)
        _ = try await until(daemon, "it to mine") { $0.blocksFound > 0 }
        monero.stop()
        let lost = try await until(daemon, "it to say so") { $0.connected == nil }
        #expect(lost.state == .waiting && lost.reason.contains("does not answer"), "\(lost.reason)")
        #expect(daemon.buyers.ask("GET", "/portal")?.status == 200)
        try await monero.start()
        _ = try await until(daemon, "it to mine again") { $0.state == .mining && $0.blocksFound > lost.blocksFound }
    }
}
