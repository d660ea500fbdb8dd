public import Charging
import Glibc
public import Primitives

/// Everything an owner can decide, typed. One file, /etc/basestation/station.toml; docs/configuration.md explains each key.
public struct StationConfiguration: Hashable, Sendable {
    public enum HAL: String, Hashable, Sendable, CaseIterable { case linux, simulated }

    public var name = "Qlink station"
    public var hal = HAL.linux
    public var stateDirectory = "/var/lib/basestation"
    public var runtimeDirectory = "/run/basestation"
    /// Wired; nil: `lan0`, unless there is an access point.
    public var clientPorts: [String]?
    public var uplinkPort = "wan0"
    /// An access point of the station's own; nil: none.
    public var wifiPort: String?
    /// 32 bytes at most; nil: the station's name.
    public var wifiName: String?
    public var wifiCountry: String?
    public var wifiChannel = 6
    /// dBm.
    public var wifiPower = 20
    public var wpa3Port: String?
    public var wpa3Name: String?
    /// The first two bytes of clients' IPv4 addresses.
    public var addressPrefix = "10.77"
    public var leaseTime = Nanoseconds.seconds(3_600)
    public var sharing = true
    /// Segmentation and receive offload stay on: then super-packets are billed with one header for many packets.
    public var keepsOffload = false
    public var portalPort = 2050
    public var portalMessage = ""
    public var controlGroup = "basestation"
    /// The id of one of `tariffs`.
    public var defaultTariff = ""
    public var sampleInterval = Nanoseconds.seconds(1)
    public var saveInterval = Nanoseconds.seconds(60)
    public var commitInterval = Nanoseconds.seconds(1)
    public var codeAttemptsPerMinute = 5
    public var tariffs: [Tariff] = []
    public var chain = ChainConfiguration()
    /// What becomes of the rewards of the station's stake.
    public var restaking = RestakePolicy()
    public var mining = MiningConfiguration()
    public var pool = PoolConfiguration()
    public var board = BoardConfiguration()
    public var simulatedSeed: UInt64 = 1
    public var simulatedClients = 3
    public var logLevel = "info"

    public init() {}

    /// Reads a configuration and checks all of it.
    ///
    /// - Parameter environment: `BASESTATION_STATION_NAME` stands for `station.name`, and so on; lists are separated by commas.
    public init(text: String, file: String, environment: [String: String] = [:]) throws(ConfigurationError) {
        var reader = ConfigurationReader(try TOMLDocument(text, file: file), file: file, environment: environment)
        self.init()
        let places = reader.read(&self)
        check(&reader, places)
        try reader.finish()
    }

    /// The station's own access points.
    public var wirelessPorts: [String] { [wifiPort, wpa3Port].compactMap(\.self) }

    /// The SSID, 32 bytes at most: of a longer name of the station's as many characters as fit.
    public var networkName: String {
        if let wifiName { return wifiName }
        var name = ""
        for character in self.name where name.utf8.count + character.utf8.count <= 32 { name.append(character) }
        return name
    }

    /// Everywhere that clients are: wired, and on the air.
    public var allClientPorts: [String] {
        let wired = clientPorts ?? (wifiPort == nil ? ["lan0"] : [])
        return wired + wirelessPorts.filter { !wired.contains($0) }
    }

    /// The configuration in the file at `path`, of at most 1 MiB.
    public static func load(path: String, environment: [String: String] = [:]) throws(ConfigurationError) -> StationConfiguration
    {
        try StationConfiguration(text: text(of: path), file: path, environment: environment)
    }

    /// A file of at most 1 MiB, in UTF-8.
    public static func text(of path: String) throws(ConfigurationError) -> String {
        func unreadable(_ line: Int, _ what: String, _ mend: String) -> ConfigurationError {
            ConfigurationError(problems: [.init(file: path, line: line, column: line, what: what, mend: mend)])
        }
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else {
            throw unreadable(0, "it cannot be read: \(String(cString: strerror(errno)))", "name a file that is there")
        }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: TOMLDocument.sizeLimit + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { read(fd, $0.baseAddress! + length, $0.count - length) }
            guard count >= 0 else { throw unreadable(0, "it cannot be read: \(String(cString: strerror(errno)))", "see dmesg") }
            if count == 0 { break }
            length += count
        }
        guard let text = String(validating: bytes[..<length], as: UTF8.self) else {
            throw unreadable(1, "it is not text in UTF-8", "save it as UTF-8 in your editor")
        }
        return text
    }

    private mutating func check(_ reader: inout ConfigurationReader, _ places: [TOMLDocument.Place]) {
        if tariffs.isEmpty {
            reader.complain(at: nil, "there is no tariff", "add one: [[tariff]] and below it id = \"free\" costs nothing")
        }
        for (index, tariff) in tariffs.enumerated() where tariffs[..<index].contains(where: { $0.id == tariff.id }) {
            guard !tariff.id.isEmpty else { continue }  // said already
            reader.complain(at: places[index], "tariff \"\(tariff.id)\" is there twice", "give each an id of its own")
        }
        if defaultTariff.isEmpty { defaultTariff = tariffs.first?.id ?? "" }
        if !tariffs.isEmpty, !tariffs.contains(where: { $0.id == defaultTariff }) {
            let near = nearest(to: defaultTariff, among: tariffs.map(\.id))
            reader.complain(
                at: reader.place("charging", "default_tariff"), "there is no tariff \"\(defaultTariff)\"",
                near.map { "did you mean \"\($0)\"?" } ?? "name one of: \(tariffs.prefix(8).map(\.id).joined(separator: ", "))")
        }
        for found in mining.contradictions(hot: board.hotCelsius) {
            reader.complain(at: reader.place("mining", found.key), found.what, found.mend)
        }
        for found in pool.contradictions(hasChain: chain.genesis != nil) {
            reader.complain(at: reader.place("pool", found.key), found.what, found.mend)
        }
        for found in board.contradictions {
            reader.complain(at: reader.place("board", found.key), found.what, found.mend)
        }
        if wifiPort != nil, wifiCountry == nil {
            reader.complain(
                at: reader.place("wifi", "port"), "an access point needs the country it stands in",
                "write country = \"DE\" below [wifi], with your own country's two letters")
        }
        if let port = wpa3Port, wifiPort == nil || port == wifiPort {
            reader.complain(
                at: reader.place("wifi", "wpa3_port"), "\"\(port)\" needs another port beside it, for WPA2",
                "write port = \"wlan0\" and wpa3_port = \"wlan0s\"")
        }
        if allClientPorts.contains(uplinkPort) {
            reader.complain(
                at: reader.place("network", "uplink_port") ?? reader.place("network", "client_ports"),
                "\"\(uplinkPort)\" cannot be both a port for clients and the uplink",
                "write it like client_ports = [\"lan0\"] and uplink_port = \"wan0\"")
        }
    }
}
