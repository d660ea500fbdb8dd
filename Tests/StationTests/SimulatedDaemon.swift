import Charging
import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// The real daemon on a simulated board, in a folder and on a port of its own.
final class SimulatedDaemon {
    let folder: URL
    let port: Int
    private var process = Process()

    var configuration: URL { folder.appendingPathComponent("station.toml") }
    var buyers: RawHTTP { RawHTTP(place: .tcp(port)) }
    var owner: RawHTTP { RawHTTP(place: .unix(folder.path + "/control.sock")) }
    var control: StationConnection { StationConnection(.unix(folder.path + "/control.sock")) }

    static let tariffs = """
        [[tariff]]
        id = "per-byte"
        price_per_mb = "0.01"
        [[tariff]]
        id = "free"
        """

    /// - Parameters:
    ///   - chain: the keys of its chain node, whose genesis is `genesis.json` in the folder; nil for none.
    ///   - prepare: puts into the folder what is to be there.
    init(
        name: String = "Test station", message: String = "Hello", tariffs: String = SimulatedDaemon.tariffs, chain: String? = nil,
        prepare: (URL) throws -> Void = { _ in }
    ) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("qst-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        port = try freePort()
        let quoted = { (text: String) in
            text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
        }
        let text = """
            [station]
            name = "\(quoted(name))"
            hal = "simulated"
            state_directory = "\(folder.path)/state"
            runtime_directory = "\(folder.path)"
            [portal]
            listen_port = \(port)
            message = "\(quoted(message))"
            [network]
            client_ports = ["sim0"]
            uplink_port = "sim1"
            [wifi]
            port = "wlan0"
            country = "DE"
            [simulation]
            clients = 3
            [charging]
            sample_interval = "100ms"
            commit_interval = "20ms"
            default_tariff = "per-byte"
            [log]
            level = "warning"
            \(tariffs)
            \(chain.map { "[chain]\ngenesis = \"\(folder.path)/genesis.json\"\n\($0)" } ?? "")
            """
        try prepare(folder)
        try text.write(to: configuration, atomically: true, encoding: .utf8)
        try await start()
    }

    /// Ends it as systemd does, and starts it again on the same folder.
    func restart() async throws {
        process.terminate()
        process.waitUntilExit()
        process = Process()
        try await start()
    }

    private func start() async throws {
        process.executableURL = try Products.url("basestationd")
        process.arguments = ["--config", configuration.path]
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        for _ in 0..<400 where owner.ask("GET", "/v1/status") == nil || buyers.ask("GET", "/portal") == nil {
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    var isRunning: Bool { process.isRunning }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// A buyer's request, spoken by a simulated device.
    func ask(_ client: Int, _ method: String, _ path: String, _ body: String? = nil) throws -> RawHTTP.Answer {
        try #require(buyers.ask(method, path, headers: ["X-Simulated-Client: \(client)"], body: body))
    }

    func ask<T: Decodable>(_ client: Int, _ method: String, _ path: String, _ body: some Encodable, as type: T.Type) throws -> T {
        let answer = try ask(client, method, path, String(decoding: JSON.encode(body), as: UTF8.self))
        try #require(answer.status < 300, "\(answer.body)")
        return try JSON.decode(type, from: Data(answer.body.utf8))
    }
}

/// A wallet that signs whatever it is told to.
struct TestBuyer {
    let key: PrivateKey
    let channel: ChannelView

    init(_ number: UInt8, at daemon: SimulatedDaemon, deposit: String = "1") async throws {
        key = PrivateKey(seed: [UInt8](repeating: number, count: 32))!
        channel = try await daemon.control.post("/v1/channels", ChannelRequest(payer: key.publicKey, depositQlc: QLC(deposit)!))
    }

    func acceptance(_ offer: OfferView, sequence: UInt64 = 1, mac: MACAddress? = nil, by other: PrivateKey? = nil)
        -> OpenSessionBody
    {
        let claim = Acceptance(
            offer: offer.digest, channel: channel.channelId, client: mac ?? offer.clientMac, sequence: sequence)
        return OpenSessionBody(acceptance: Signed(claim, by: other ?? key))
    }

    func voucher(_ amount: String, _ sequence: UInt64, by other: PrivateKey? = nil, channel id: ChannelID? = nil) -> VoucherBody {
        let claim = Voucher(
            channel: id ?? channel.channelId, cumulativeAmount: QLC(amount)!, cumulativeBytes: 0, sequence: sequence)
        return VoucherBody(voucher: Signed(claim, by: other ?? key))
    }
}
