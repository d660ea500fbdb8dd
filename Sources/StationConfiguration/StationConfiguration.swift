public import Charging
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
    public var defaultTariff = ""
    public var sampleInterval = Nanoseconds.seconds(1)
    public var saveInterval = Nanoseconds.seconds(60)
    public var commitInterval = Nanoseconds.seconds(1)
    public var codeAttemptsPerMinute = 5
    public var tariffs: [Tariff] = []
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
        reader.read("station.name", &name, length: 1...64)
        reader.read("station.hal", &hal)
        reader.read("station.state_directory", &stateDirectory, length: 1...90)
        reader.read("station.runtime_directory", &runtimeDirectory, length: 1...90)
        reader.read("network.client_ports", &clientPorts)
        reader.read("network.uplink_port", &uplinkPort, length: 1...15)
        reader.read("network.sharing", &sharing)
        reader.read("network.keep_offload", &keepsOffload)
        reader.read("portal.listen_port", &portalPort, in: 1...65_535)
        reader.read("portal.message", &portalMessage, length: 0...500)
        reader.read("api.control_group", &controlGroup, length: 1...32)
        reader.read("charging.default_tariff", &defaultTariff, length: 1...Tariff.idLimit)
        reader.read("charging.sample_interval", &sampleInterval, in: .milliseconds(50) ... .seconds(10))
        reader.read("charging.save_interval", &saveInterval, in: .seconds(5) ... .seconds(3_600))
        reader.read("charging.commit_interval", &commitInterval, in: .milliseconds(10) ... .seconds(10))
        reader.read("codes.attempts_per_minute", &codeAttemptsPerMinute, in: 1...60)
        reader.read("simulation.seed", &simulatedSeed)
        reader.read("simulation.clients", &simulatedClients, in: 0...10_000)
        reader.read("log.level", &logLevel, among: ["trace", "debug", "info", "notice", "warning", "error", "critical"])
        for index in 0..<reader.count(of: "tariff") { tariffs.append(reader.tariff("tariff[\(index)]")) }
        check(&reader)
        try reader.finish()
    }

    private mutating func check(_ reader: inout ConfigurationReader) {
        if tariffs.isEmpty {
            reader.complain(at: "tariff", "there is no tariff", "add one: [[tariff]] id = \"free\" costs nothing")
        }
        for (index, tariff) in tariffs.enumerated() where tariffs[..<index].contains(where: { $0.id == tariff.id }) {
            reader.complain(at: "tariff[\(index)].id", "tariff \"\(tariff.id)\" is there twice", "give each an id of its own")
        }
        if defaultTariff.isEmpty { defaultTariff = tariffs.first?.id ?? "" }
        if !tariffs.isEmpty, !tariffs.contains(where: { $0.id == defaultTariff }) {
            let near = nearest(to: defaultTariff, among: tariffs.map(\.id))
            reader.complain(
                at: "charging.default_tariff", "there is no tariff \"\(defaultTariff)\"",
                near.map { "did you mean \"\($0)\"?" } ?? "name one of: \(tariffs.map(\.id).joined(separator: ", "))")
        }
        if clientPorts.isEmpty || clientPorts.count > 16 || clientPorts.contains(uplinkPort) {
            reader.complain(
                at: "network.client_ports", "one to sixteen ports for clients, none of them the uplink",
                "for example client_ports = [\"lan0\"], uplink_port = \"wan0\"")
        }
    }
}
