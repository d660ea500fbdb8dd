import ArgumentParser
import Charging
import Foundation
import Lab
import Primitives
import StationAPI

/// `make run`: three clients with three tariffs, real kernel metering, and an account in which every byte agrees.
@main
struct Demonstration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "labrun", abstract: "Shows a station earning on a real kernel.")
    @Option(help: "Where the figures go.") var output = "build/run.json"

    /// At these prices a byte, like a second's hundredth, is a round number of units of 10⁻⁸ QLC.
    static let tariffs = """
        [charging]
        default_tariff = "per-byte"
        sample_interval = "200ms"
        [[tariff]]
        id = "per-byte"
        price_per_mb = "0.01"
        credit_window_min = "0.001"
        [[tariff]]
        id = "per-second"
        price_per_second = "0.01"
        credit_window_min = "0.02"
        """
    static let names = ["per byte (IPv4 and IPv6)", "per second (IPv6 only)", "access code (IPv4 only)"]
    /// 3 MB at 0.01 QLC; the deposit is 0.08.
    static let firstLimit: UInt64 = 3_000_000

    func run() async throws {
        closeLabOnSignals()
        guard Namespace.isAvailable else {
            throw ValidationError("namespaces need root: sudo make run, or make run HAL=simulated")
        }
        try await withTopology(Plan(clients: [.dual, .ipv6, .ipv4])) { lab in
            let station = try LabStation(lab, configuration: Self.tariffs)
            defer { station.close() }
            try await demonstrate(station)
        }
    }

    private func demonstrate(_ station: LabStation) async throws {
        let lab = station.lab
        let wire = try WireCounter(lab)
        try lab.startInternet()
        var daemon = try station.start()
        say("A station serves lan0; three clients, an internet behind wan0.")

        let channels = try [("0.08", 0), ("0.5", 1)].map { deposit, client in
            let buyer = try station.makeWallet(client)
            let channel = try JSON.decode(
                ChannelView.self,
                from: Data(try station.ask("channel", "open", "--buyer", buyer, "--deposit", deposit, "--json").utf8))
            return channel.channelId.description
        }
        let codes = try JSON.decode(
            [CodeView].self, from: Data(try station.ask("codes", "create", "--data", "4MB", "--json").utf8))
        let code = codes[0].code ?? ""
        say("Client 1 may pay 0.03 QLC: 3,000,000 bytes. Client 2 pays by the second. Client 3 has a card with 4 MB: \(code)")
        let firstWallet = try station.connect(0, channel: channels[0], tariff: "per-byte", limit: "0.03")
        let secondWallet = try station.connect(1, channel: channels[1], tariff: "per-second", limit: "0.4")
        try lab.clients[2].namespace.run([
            try Products.url("qlink").path, "connect", station.address(for: 2), "--code", code, "--wallet", station.wallet(2),
        ])

        let traffic = try [
            lab.start(.download(.tcp, bytes: 6_000_000, rate: 1_000_000), client: 0, over: .v4),
            lab.start(.download(bytes: 1_500_000, rate: 300_000), client: 1),
            lab.start(.upload(.tcp, bytes: 2_500_000, rate: 400_000), client: 2),
        ]
        for _ in 1...5 { try await show(station) }
        let atCut = try wire.carriedAtLast(client: 0)
        let overshoot = Int64(atCut.up + atCut.down) - Int64(Self.firstLimit)
        say(
            "Client 1 was cut off after \(atCut.up + atCut.down) bytes of 3,000,000 paid: \(-overshoot) left, less than a packet."
        )

        say("The daemon is killed (kill -9) under traffic, and started again.")
        daemon.signal(SIGKILL)
        try await Task.sleep(for: .milliseconds(700))
        daemon = try station.start()
        say("Client 1 tops up: its wallet comes back, without having said goodbye, with a limit of 0.07 QLC.")
        firstWallet.signal(SIGKILL)
        let toppedUp = try station.connect(0, channel: channels[0], tariff: "per-byte", limit: "0.07")
        for _ in 1...5 { try await show(station) }
        for process in traffic { _ = try? await process.wait(timeout: .seconds(10)) }  // the first may have given up at the cut

        for wallet in [toppedUp, secondWallet] {
            wallet.signal(SIGINT)
            _ = try await wallet.wait(timeout: .seconds(10))
        }
        try station.ask("client", "disconnect", lab.clients[2].mac.description)
        let carried = try (0..<3).map { try wire.carriedAtLast(client: $0) }
        try account(station, carried: carried, overshoot: max(0, overshoot))
        say(try station.ask("status"))
        daemon.signal(SIGTERM)
        let end = try await daemon.wait(timeout: .seconds(10))
        guard end.status == 0 else { throw LabError.unreadable(what: "the daemon's end", text: end.stderr) }
    }

    private func say(_ words: String) {
        print(words)
        fflush(nil)
    }

    private func show(_ station: LabStation) async throws {
        try await Task.sleep(for: .seconds(1))
        say(try station.ask("sessions", "--active"))
    }

    /// What three independent counts say, and whether they agree.
    private func account(_ station: LabStation, carried: [Carried], overshoot: Int64) throws {
        struct Row: Decodable { var claim: UsageRecord }
        let records = try JSON.decode([Row].self, from: Data(try station.ask("usage", "export", "--format", "json").utf8)).map(
            \.claim)
        let codes = try JSON.decode([CodeView].self, from: Data(try station.ask("codes", "list", "--json").utf8))
        let sessions = try JSON.decode([SessionView].self, from: Data(try station.ask("sessions", "--json").utf8))
        var run = RunFigures(cutoffOvershootBytes: overshoot)
        for (index, client) in station.lab.clients.enumerated() {
            let own = sessions.filter { $0.clientMac == client.mac }
            let counted = own.reduce(0) { $0 + $1.bytesUp + $1.bytesDown }
            let charged: UInt64 =
                switch index {
                // At 0.01 QLC per MB the charge in units of 1e-8 QLC is the number of bytes charged.
                case 0: own.reduce(0) { $0 + $1.chargeQlc.units }
                case 1: records.filter { $0.mac == client.mac }.reduce(0) { $0 + $1.bytesUp + $1.bytesDown }
                default: codes.reduce(0) { $0 + $1.usedBytes }
                }
            run.clients.append(
                .init(
                    client: Self.names[index], tariff: own.first?.tariffId ?? "",
                    wireBytes: carried[index].up + carried[index].down,
                    countedBytes: counted, chargedBytes: charged, chargeQlc: own.reduce(.zero) { $0 + $1.chargeQlc },
                    seconds: own.reduce(0) { $0 + $1.durationSeconds }))
        }
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: output).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(JSON.encode(run.file, pretty: true)).write(to: URL(fileURLWithPath: output))
        for line in run.table { say(line) }
        guard run.agrees else { throw ExitCode(1) }
    }
}
