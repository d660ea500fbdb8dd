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
    public var clientPorts = ["lan0"]
    public var uplinkPort = "wan0"
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
        for found in board.contradictions {
            reader.complain(at: reader.place("board", found.key), found.what, found.mend)
        }
        if clientPorts.contains(uplinkPort) {
            reader.complain(
                at: reader.place("network", "uplink_port") ?? reader.place("network", "client_ports"),
                "\"\(uplinkPort)\" cannot be both a port for clients and the uplink",
                "write it like client_ports = [\"lan0\"] and uplink_port = \"wan0\"")
        }
    }
}
