import Charging
import Foundation
import Lab
import Netlink
import Primitives
import StationAPI
import Testing

/// A whole station on the air: the daemon, which starts hostapd and dnsmasq, devices around it, and an internet behind it.
///
/// ```
///  device 0 ─┐ (PSK)                        ┌── wlan0
///  device 1 ─┼── air (mac80211_hwsim) ──────┤        basestationd   wan0 ── srv0 (the internet)
///  device 2 ─┘ (SAE)                        └── wlan0s
/// ```
final class AirStation {
    static let ssid = "Qlink"
    static let ssid3 = "Qlink WPA3"
    let sky: Sky
    let server: Namespace
    let wire: WireCounter
    let clients: [Topology.Client]
    private let internet: LabProcess
    private(set) var daemon: LabProcess

    static let folder = "/tmp/station"
    static let socket = folder + "/run/control.sock"
    static let tariffs = """
        [charging]
        sample_interval = "200ms"
        commit_interval = "50ms"
        default_tariff = "per-byte"
        [[tariff]]
        id = "per-byte"
        price_per_mb = "0.01"
        [[tariff]]
        id = "per-second"
        price_per_minute = "0.0060"
        [[tariff]]
        id = "free"
        """

    /// - Parameter board: more of the configuration
    init(devices count: Int, board: String = "") throws {
        sky = try Sky(devices: count)
        server = try Namespace(role: "server")
        try Self.wire(server, clients: count)
        clients = sky.devices.enumerated().map { index, device in
            Topology.Client(index: index, stack: .dual, namespace: device.namespace, mac: device.mac)
        }
        wire = try WireCounter(server: server, clients: clients)
        internet = try server.start([Products.url("labtraffic").path, "serve", "5201"])
        try? FileManager.default.removeItem(atPath: Self.folder)  // of the test before
        try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
        try """
        [station]
        name = "Hil station"
        state_directory = "\(Self.folder)/state"
        runtime_directory = "\(Self.folder)/run"
        [network]
        uplink_port = "wan0"
        [wifi]
        port = "\(sky.accessPoint)"
        name = "\(Self.ssid)"
        country = "DE"
        wpa3_port = "\(sky.accessPoint)s"
        wpa3_name = "\(Self.ssid3)"
        [log]
        level = "debug"
        \(board)
        \(Self.tariffs)
        """.write(toFile: Self.folder + "/station.toml", atomically: true, encoding: .utf8)
        daemon = try Self.startDaemon()
    }

    deinit { close() }

    /// All that the daemon has left running, and the lab.
    private func close() {
        daemon.signal(SIGTERM)  // politely: then it leaves its coverage
        _ = try? daemon.wait(timeout: .seconds(10))
        daemon.close()
        internet.close()
        for name in ["hostapd", "dnsmasq"] { for pid in Self.processes(name) { kill(pid, SIGKILL) } }
        _ = try? run(["nft", "flush", "ruleset"])
        server.close()
        _ = try? run(["ip", "link", "del", "wan0"])
    }

    static func wire(_ server: Namespace, clients: Int) throws {
        for setting in ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"] {
            try "1".write(toFile: "/proc/sys/\(setting)", atomically: false, encoding: .utf8)
        }
        try run(["ip", "link", "add", "wan0", "type", "veth", "peer", "name", "srv0", "netns", server.name])
        try run(["ip", "link", "set", "wan0", "up"])
        try run(["ip", "addr", "add", "198.18.0.1/24", "dev", "wan0"])
        try run(["ip", "addr", "add", "fd78::1/64", "dev", "wan0", "nodad"])
        try server.run("ip", "link", "set", "srv0", "up")
        for number in [2] + (0..<clients).map({ 10 + $0 }) {
            try server.run("ip", "addr", "add", "198.18.0.\(number)/24", "dev", "srv0")
        }
        for number in [2] + (0..<clients).map({ 0x10 + $0 }) {
            try server.run("ip", "addr", "add", "fd78::\(String(number, radix: 16))/64", "dev", "srv0", "nodad")
        }
        try server.run("ethtool", "-K", "srv0", "tx", "off", "gro", "off", "gso", "off", "tso", "off")
    }

    private static func startDaemon() throws -> LabProcess {
        let daemon = try start([
            Products.url("basestationd").path, "--config", folder + "/station.toml", "--rules", Products.rules,
        ])
        try waitUntil("basestationd answers", timeout: .seconds(60), every: .milliseconds(50)) {
            guard daemon.isRunning else { throw LabError.unreadable(what: "the daemon's end", text: daemon.stderr) }
            return RawHTTP(place: .unix(socket)).ask("GET", "/v1/status")?.status == 200
        }
        return daemon
    }

    func killDaemon() { daemon.close() }
    func restartDaemon() throws { daemon = try Self.startDaemon() }

    static func processes(_ name: String) -> [pid_t] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.filter { pid in
            (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) == name + "\n"
        }
    }

    // MARK: the owner's side

    @discardableResult static func ask(_ words: String...) throws -> String {
        try run([try Products.url("basestation").path] + words + ["--socket", socket], timeout: .seconds(60)).stdout
    }

    /// What the owner's API tells at once: starting the CLI takes a second on an emulated processor.
    static func get<View: Decodable>(_ path: String, as view: View.Type = View.self) throws -> View {
        let answer = try #require(RawHTTP(place: .unix(socket)).ask("GET", path))
        return try JSON.decode(View.self, from: Data(answer.body.utf8))
    }

    static func radio() throws -> RadioStatusView { try get("/v1/radio") }

    /// What `diagnose` says, in one line.
    static func diagnosis() throws -> String {
        try start([Products.url("basestation").path, "diagnose", "--socket", socket]).wait(timeout: .seconds(60)).stdout
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// A code of so much data, and the Wi-Fi passphrase that goes with it.
    func sell(_ data: String, to name: String, mac: MACAddress? = nil) throws -> KeyView {
        let codes = try JSON.decode([CodeView].self, from: Data(Self.ask("codes", "create", "--data", data, "--json").utf8))
        var words = ["key", "create", "--name", name, "--code", "\(codes[0].number)", "--json"]
        if let mac { words += ["--mac", "\(mac)"] }
        let answer = try run([try Products.url("basestation").path] + words + ["--socket", Self.socket], timeout: .seconds(60))
            .stdout
        return try JSON.decode(KeyView.self, from: Data(answer.utf8))
    }

    func sessions() throws -> [SessionView] {
        try Self.get("/v1/sessions?active=false")
    }

    /// The open session of a device.
    func session(_ index: Int) throws -> SessionView? {
        try sessions().first { $0.clientMac == sky.devices[index].mac && $0.endedAt == nil }
    }

    // MARK: a device

    func join(_ index: Int, _ key: KeyView, _ security: Sky.Security = .wpa2) throws -> LabProcess {
        try waitUntil("the station to be on the air", timeout: .seconds(60), every: .milliseconds(100)) {
            guard daemon.isRunning else { throw LabError.unreadable(what: "the daemon's end", text: daemon.stderr) }
            return try Self.isOnAir(sky.accessPoint + "s")
        }
        return try sky.join(
            index, ssid: security == .wpa2 ? Self.ssid : Self.ssid3, passphrase: try #require(key.passphrase), security)
    }

    static func isOnAir(_ port: String) throws -> Bool {
        let output = try start(["iw", "dev", port, "info"]).wait(timeout: .seconds(20)).stdout
        return output.contains("type AP") && output.contains("channel")
    }

    /// As `iw` says it: "20.00 dBm".
    static func power(of port: String) throws -> String? {
        try run(["iw", "dev", port, "info"]).stdout.split(separator: "\n").first { $0.contains("txpower") }
            .map { $0.drop { !$0.isNumber }.description }
    }

    func getAddress(_ index: Int) throws { try sky.getAddress(index) }

    func move(_ traffic: Traffic, _ index: Int, over family: Family = .v4, timeout: Duration = .seconds(120)) throws
        -> TrafficReport
    {
        let process = try clients[index].namespace.start(
            [Products.url("labtraffic").path] + traffic.arguments(to: clients[index].server(family), port: 5201))
        defer { process.close() }
        return try TrafficReport(process.wait(timeout: timeout))
    }

    /// Bytes go both ways, all of them are counted, and nothing else is.
    func expectService(_ index: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try waitUntil("device \(index) to be served", timeout: .seconds(30)) {
            try move(Traffic(.download, packets: 3, size: 100, idle: 0.5), index).ended == .complete
        }
        #expect(try move(.download(bytes: 100_000, rate: 500_000), index).ended == .complete, sourceLocation: sourceLocation)
        #expect(try move(.upload(bytes: 50_000, rate: 500_000), index).ended == .complete, sourceLocation: sourceLocation)
        let carried = try wire.carriedAtLast(client: index)
        try waitUntil("the session of device \(index) to have it all", timeout: .seconds(20), every: .milliseconds(200)) {
            let session = try session(index)
            return session?.bytesUp == carried.up && session?.bytesDown == carried.down
        }
    }

    /// How many devices may send and receive, by the kernel's own list.
    func authorized() throws -> Int {
        let socket = try WirelessSocket()
        return try socket.interfaces().filter { [sky.accessPoint, sky.accessPoint + "s"].contains($0.name) }
            .reduce(0) { try $0 + socket.stations(of: $1.index).count(where: \.isAuthorized) }
    }

    /// Since when each device is on the air, as the kernel knows it, in milliseconds of the boot.
    func associations() throws -> [String: Int] { try Self.associations(on: [sky.accessPoint, sky.accessPoint + "s"]) }

    static func associations(on ports: [String]) throws -> [String: Int] {
        var since: [String: Int] = [:]
        for port in ports {
            var mac = ""
            // On an interface that is not there, nobody is.
            let dump = try start(["iw", "dev", port, "station", "dump"]).wait(timeout: .seconds(20)).stdout
            for line in dump.split(separator: "\n") {
                let words = line.split(whereSeparator: \.isWhitespace)
                if words.first == "Station" { mac = String(words[1]) }
                // "associated at [boottime]:\t12.345s"
                if line.contains("associated at [boottime]") { since[mac] = Int(words.last!.filter(\.isNumber)) }
            }
        }
        return since
    }

    /// What the daemon holds, and what the kernel's radio does.
    struct Holdings {
        var descriptors: Int
        var threads: Int
        var kilobytes: Int
        var interfaces: Int
    }

    func holdings() throws -> Holdings {
        let status = try String(contentsOfFile: "/proc/\(daemon.pid)/status", encoding: .utf8)
        func number(_ name: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
            return Int(line.filter(\.isNumber)) ?? 0
        }
        return Holdings(
            descriptors: try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count,
            threads: number("Threads"), kilobytes: number("RssAnon"),
            interfaces: try run(["iw", "dev"]).stdout.split(separator: "\n").count { $0.contains("Interface ") })
    }
}
