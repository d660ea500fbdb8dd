import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// The buyer's wallet between sessions: what goes on, what was, paying ahead and giving.
@Suite struct WalletTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qlw-\(UUID().uuidString.prefix(8))")
    private var wallet: String { folder.appendingPathComponent("wallet.key").path }

    private func qlink(_ words: String...) throws -> CommandTests.Answer {
        try CommandTests.run("qlink", words + ["--wallet", wallet])
    }

    /// A channel for the wallet, and a session of client 1 that `connect --once` leaves running.
    private func connect(_ daemon: SimulatedDaemon, tariff: String) async throws -> ChannelView {
        let buyer = try qlink("wallet", "create").out.trimmingCharacters(in: .whitespacesAndNewlines)
        let channel: ChannelView = try await daemon.control.post(
            "/v1/channels", ChannelRequest(payer: PublicKey(buyer)!, depositQlc: QLC("1")!))
        let answer = try qlink(
            "connect", "127.0.0.1:\(daemon.port)", "--channel", "\(channel.channelId)", "--tariff", tariff, "--yes", "--once",
            "--simulated-client", "1")
        #expect(answer.status == 0, "\(answer.err)")
        return channel
    }

    @Test func whatIsPaidAheadIsSeenAndRemembered() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let daemon = try await SimulatedDaemon()
        #expect(try qlink("history").out == "no sessions yet\n")
        #expect(try qlink("history", "--json").out == "[\n\n]\n")
        #expect(try qlink("pay", "0.1").status == 1)
        let channel = try await connect(daemon, tariff: "per-byte")
        let before = try #require(try JSON.decode([BuyerSessionView].self, from: Data(qlink("status", "--json").out.utf8)).first)
        let paid = try qlink("pay", "0.25")
        #expect(paid.status == 0 && paid.out.hasPrefix("paid 0.25000000 QLC, "), "\(paid)")
        let after = try #require(try JSON.decode([BuyerSessionView].self, from: Data(qlink("status", "--json").out.utf8)).first)
        #expect(after.paidQlc == before.paidQlc + QLC("0.25")!)
        #expect(after.bytesRemaining! == before.bytesRemaining! + 25_000_000)
        let screen = try qlink("status")
        #expect(screen.out.contains("per-byte") && screen.widest <= 80, "\(screen.out)")
        for (amount, words) in [("2", "more than the"), ("0", "not an amount"), ("x", "not an amount")] {
            let refused = try qlink("pay", amount)
            #expect(refused.status == 1 && refused.err.contains(words), "\(refused.err)")
        }
        #expect(try qlink("donate", "0.1").err.contains("takes no donations"))
        try await daemon.control.post("/v1/clients/02:51:00:00:00:01/disconnect")
        for _ in 0..<100 where try qlink("status").out != "no session goes on\n" { try await Task.sleep(for: .milliseconds(50)) }
        let history = try qlink("history")
        #expect(history.out.split(separator: "\n").count == 2 && !history.out.contains("goes on") && history.widest <= 80)
        let all = try await daemon.control.get("/v1/channels", as: [ChannelView].self)
        #expect(all.first { $0.channelId == channel.channelId }?.paidQlc == after.paidQlc)
    }

    @Test func aDonationIsTheStations() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let daemon = try await SimulatedDaemon(tariffs: "\(SimulatedDaemon.tariffs)\ndonations = true")
        let channel = try await connect(daemon, tariff: "free")
        let paid = try qlink("pay", "0.125")
        #expect(paid.status == 1 && paid.err.contains("qlink donate"), "\(paid)")
        let given = try qlink("donate", "0.125")
        #expect(given.out == "gave 0.12500000 QLC, with thanks\n", "\(given.err)")
        try await daemon.control.post("/v1/clients/02:51:00:00:00:01/disconnect")
        for _ in 0..<100 where try qlink("status").out != "no session goes on\n" { try await Task.sleep(for: .milliseconds(50)) }
        let all = try await daemon.control.get("/v1/channels", as: [ChannelView].self)
        #expect(all.first { $0.channelId == channel.channelId }?.chargedQlc == QLC("0.125")!)
        #expect(try await daemon.control.get("/v1/wallet", as: WalletView.self).earnedQlc == QLC("0.125")!)
    }

    @Test func aStationOutOfReachIsNamed() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var daemon: SimulatedDaemon? = try await SimulatedDaemon()
        let place = "127.0.0.1:\(daemon!.port)"
        _ = try await connect(daemon!, tariff: "per-byte")
        daemon = nil
        let answer = try qlink("status")
        #expect(answer.status == 3 && answer.err.contains(place), "\(answer)")
    }

    /// Who pays with a card has no wallet; and a history that cannot be written keeps nobody offline.
    @Test func aCardNeedsNoWallet() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let daemon = try await SimulatedDaemon()
        let codes: [CodeView] = try await daemon.control.post(
            "/v1/codes", CodesRequest(bytes: 1_000, seconds: nil, count: 2, validSeconds: nil))
        for (client, code, wallet) in [("1", codes[0], wallet), ("2", codes[1], "/dev/null/wallet.key")] {
            let answer = try CommandTests.run(
                "qlink",
                [
                    "connect", "127.0.0.1:\(daemon.port)", "--code", code.code ?? "", "--simulated-client", client, "--wallet",
                    wallet,
                ])
            #expect(answer.status == 0 && answer.out.hasPrefix("online: "), "\(answer)")
            #expect(answer.err.contains("will not be in qlink history") == (client == "2"))
        }
        #expect(try JSON.decode([BuyerSessionView].self, from: Data(qlink("status", "--json").out.utf8)).count == 1)
    }
}
