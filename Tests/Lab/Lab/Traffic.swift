import Foundation
public import Primitives
import Synchronization

/// What labtraffic is to move, and how.
public struct Traffic: Hashable, Sendable {
    public enum Direction: String, Hashable, Sendable {
        case upload, download
        /// Up without asking: the server may be deaf, and every packet is data.
        case send
    }

    public enum Transport: String, Hashable, Sendable, CaseIterable { case udp, tcp }

    public var direction: Direction
    public var transport: Transport
    public var bytes: UInt64?
    public var packets: UInt64?
    public var seconds: Double?
    /// Payload bytes a packet; labtraffic's choice when nil.
    public var size: Int?
    /// Payload bytes a second; as fast as it goes when nil.
    public var rate: UInt64?
    /// Seconds without movement after which it gives up.
    public var idle: Double
    /// A line of JSON each second.
    public var reportsProgress = false

    public init(
        _ direction: Direction, over transport: Transport = .udp, bytes: UInt64? = nil, packets: UInt64? = nil,
        seconds: Double? = nil, size: Int? = nil, rate: UInt64? = nil, idle: Double = 5
    ) {
        self.direction = direction
        self.transport = transport
        self.bytes = bytes
        self.packets = packets
        self.seconds = seconds
        self.size = size
        self.rate = rate
        self.idle = idle
    }

    public static func upload(_ transport: Transport = .udp, bytes: UInt64, rate: UInt64? = nil) -> Traffic {
        Traffic(.upload, over: transport, bytes: bytes, rate: rate)
    }

    public static func download(_ transport: Transport = .udp, bytes: UInt64, rate: UInt64? = nil) -> Traffic {
        Traffic(.download, over: transport, bytes: bytes, rate: rate)
    }

    /// labtraffic's words after its name.
    public func arguments(to host: IPAddress, port: UInt16) -> [String] {
        var words = [direction.rawValue, host.description, String(port), "--\(transport.rawValue)", "--idle", String(idle)]
        if let bytes { words += ["--bytes", String(bytes)] }
        if let packets { words += ["--packets", String(packets)] }
        if let seconds { words += ["--seconds", String(seconds)] }
        if let size { words += ["--size", String(size)] }
        if let rate { words += ["--rate", String(rate)] }
        if reportsProgress { words.append("--progress") }
        return words
    }
}

/// The last line of labtraffic. Data and control (the questions and answers around it) are apart; together they are all payload.
public struct TrafficReport: Hashable, Sendable, Decodable {
    public enum Ending: String, Hashable, Sendable, Decodable {
        case complete, lost, idle, stopped, closed, refused
        case noAnswer = "no-answer"
    }

    public var role: String
    public var direction: String
    public var transport: String
    public var packets: UInt64
    public var payloadBytes: UInt64
    public var seconds: Double
    public var cpuSeconds: Double
    public var controlPacketsSent: UInt64
    public var controlBytesSent: UInt64
    public var controlPacketsReceived: UInt64
    public var controlBytesReceived: UInt64
    /// What the other end counted; nil when it did not say.
    public var peerPackets: UInt64?
    public var peerPayloadBytes: UInt64?
    public var ended: Ending

    enum CodingKeys: String, CodingKey {
        case role, direction, transport, packets, seconds, ended
        case payloadBytes = "payload_bytes"
        case cpuSeconds = "cpu_seconds"
        case controlPacketsSent = "control_packets_sent"
        case controlBytesSent = "control_bytes_sent"
        case controlPacketsReceived = "control_packets_received"
        case controlBytesReceived = "control_bytes_received"
        case peerPackets = "peer_packets"
        case peerPayloadBytes = "peer_payload_bytes"
    }

    /// From what a labtraffic client wrote.
    public init(_ output: Output) throws {
        guard output.succeeded, let line = output.stdout.split(separator: "\n").last else {
            throw LabError.failed(command: ["labtraffic"], output: output, input: "")
        }
        self = try Output(stdout: String(line), stderr: output.stderr, status: 0).json()
    }

    /// The IP bytes that this end's UDP packets are: payload, 8 of UDP and 20 or 40 of IP each; without loss, what the wire carried.
    public func carriedUDP(over family: Family) -> Carried {
        precondition(transport == "udp", "only UDP packets can be told from payload")
        let header = family.headerBytes + 8
        let isUp = role == "sender"
        let sent = controlPacketsSent + (isUp ? packets : 0)
        let received = controlPacketsReceived + (isUp ? 0 : packets)
        return Carried(
            up: controlBytesSent + (isUp ? payloadBytes : 0) + sent * header,
            down: controlBytesReceived + (isUp ? 0 : payloadBytes) + received * header,
            packetsUp: sent, packetsDown: received)
    }
}

/// The one server process of a topology, started when first needed.
final class Internet: Sendable {
    static let port: UInt16 = 5201
    private let process = Mutex<LabProcess?>(nil)

    func open(in namespace: Namespace, port: UInt16) throws -> LabProcess {
        try process.withLock { process in
            if let process, process.isRunning { return process }
            let program = try Products.url("labtraffic").path
            let started = try namespace.start([program, "serve", String(port)])
            try waitUntil("labtraffic to listen: \(started.stderr)") {
                started.stdout.contains("listening") || !started.isRunning
            }
            guard started.isRunning else {
                throw LabError.failed(command: started.command, output: try started.wait(), input: "")
            }
            process = started
            return started
        }
    }
}

extension Topology {
    /// The process that answers traffic in the server; started when first needed. Its stdout has a line a session.
    @discardableResult
    public func startInternet() throws -> LabProcess { try internet.open(in: server, port: Internet.port) }

    /// Starts traffic between a client and its own server address; `TrafficReport(process.wait())` tells how it went.
    public func start(_ traffic: Traffic, client index: Int, over family: Family? = nil) throws -> LabProcess {
        try startInternet()
        let client = clients[index]
        let host = client.server(family ?? client.preferred)
        return try client.namespace.start([Products.url("labtraffic").path] + traffic.arguments(to: host, port: Internet.port))
    }

    /// Moves traffic and gives labtraffic's report. That it was cut off is a result, not an error.
    public func move(
        _ traffic: Traffic, client index: Int, over family: Family? = nil, timeout: Duration = .seconds(60)
    ) throws -> TrafficReport {
        let process = try start(traffic, client: index, over: family)
        defer { process.close() }
        return try TrafficReport(process.wait(timeout: timeout))
    }

    /// The same without holding a thread.
    public func move(
        _ traffic: Traffic, client index: Int, over family: Family? = nil, timeout: Duration = .seconds(60),
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> TrafficReport {
        let process = try start(traffic, client: index, over: family)
        defer { process.close() }
        return try TrafficReport(await process.wait(timeout: timeout))
    }
}
