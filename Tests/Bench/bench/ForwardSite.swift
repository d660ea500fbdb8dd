import CBench
import Foundation
import HAL
import LinuxHAL
import Lab
import Netlink
import Primitives

/// One router to forward through, with a client before it and a server behind it.
final class ForwardSite {
    enum Kind: Hashable {
        case plain
        /// The gate with these rules, and so many clients installed.
        case gate(rules: String, clients: Int)
    }

    private let lab: Topology
    private let frames: [Family: [Frames.Way: Frames]]
    private let sockets: [Frames.Way: Int32]
    private var streams: [Family: Stream] = [:]

    /// A TCP connection that stays: its window is open when it is measured.
    private struct Stream {
        var client: Int32
        var server: Int32
    }

    /// - Parameter clients: how many the traffic is spread over
    init(_ kind: Kind, clients: Int) async throws {
        lab = try Topology(Plan(clients: 1, isDirect: true, pinsNeighbours: true))
        do {
            try Crowd.introduce(clients, to: lab)
            switch kind {
            case .plain: try lab.masquerade()
            case .gate(let rules, let installed): _ = try await openGate(rules: rules, clients: installed, in: lab)
            }
            let lab = lab
            let spread = { (way: Frames.Way, family: Family) in Frames(way, family, count: clients, lab: lab) }
            frames = Dictionary(
                uniqueKeysWithValues: Family.allCases.map { family in
                    (family, [.up: spread(.up, family), .down: spread(.down, family)])
                })
            sockets = [
                .up: try Self.rawSocket("eth0", in: lab.clients[0].namespace), .down: try Self.rawSocket("srv0", in: lab.server),
            ]
            try prepare()
        } catch {
            lab.close()
            throw error
        }
    }

    func close() {
        for socket in sockets.values + streams.values.flatMap({ [$0.client, $0.server] }) { Foundation.close(socket) }
        lab.close()
    }

    func spray(_ way: Frames.Way, _ family: Family, packets: Int) throws {
        try frames[family]![way]!.spray(sockets[way]!, packets: packets)
    }

    /// Half of the bytes up, half down. A stream that stands still is an error, not a figure.
    func stream(_ family: Family, bytes: Int64) throws {
        let stream = streams[family]!
        let arrived =
            bench_pump(stream.client, stream.server, bytes / 2) + bench_pump(stream.server, stream.client, bytes / 2)
        guard arrived == bytes / 2 * 2 else {
            throw LabError.unreadable(what: "a stream over IP\(family)", text: "\(arrived) of \(bytes) bytes arrived")
        }
    }

    func setOffload(_ on: Bool) throws {
        try lab.clients[0].namespace.setOffload(on, on: "eth0")
        try lab.server.setOffload(on, on: "srv0")
        for port in ["lan0", "wan0"] { try lab.router.setOffload(on, on: port) }
    }

    /// Packets that left the router towards the server and towards the client.
    func delivered() throws -> UInt64 {
        try lab.router.statistics(of: "wan0").tx.packets + lab.router.statistics(of: "lan0").tx.packets
    }

    private func prepare() throws {
        // Nobody's flow ends while others are measured.
        for setting in ["udp_timeout", "udp_timeout_stream"] {
            try lab.router.set("net.netfilter.nf_conntrack_\(setting)", to: "3600")
        }
        // The far ends throw the frames away at once: what is measured is the way to them.
        let ends = [(lab.server, "srv0"), (lab.clients[0].namespace, "eth0")]
        for (namespace, port) in ends {
            try namespace.run(
                ["nft", "-f", "-"],
                input: """
                    table netdev lab_end {
                        chain swallow {
                            type filter hook ingress device \(port) priority 0; policy accept;
                            meta protocol ip udp length 26 drop
                            meta protocol ip6 udp length 8 drop
                        }
                    }

                    """)
        }
        for end in [lab.server, lab.clients[0].namespace] {
            // A connection that waited for its turn goes on as it was.
            try end.set("net.ipv4.tcp_slow_start_after_idle", to: "0")
            try end.set("net.ipv4.tcp_no_metrics_save", to: "1")
        }
        for (number, family) in Family.allCases.enumerated() {
            try connect(family, port: UInt16(5300 + number))
            for way in Frames.Way.allCases { try spray(way, family, packets: frames[family]![way]!.count) }
        }
    }

    private func connect(_ family: Family, port: UInt16) throws {
        let host = lab.clients[0].server(family).description
        let listener = try lab.server.inside { try Self.checked("listening on \(host)", bench_listen(host, port)) }
        defer { Foundation.close(listener) }
        let client = try lab.clients[0].namespace.inside { try Self.checked("connecting to \(host)", bench_connect(host, port)) }
        streams[family] = Stream(client: client, server: try Self.checked("accepting", bench_accept(listener)))
    }

    private static func rawSocket(_ port: String, in namespace: Namespace) throws -> Int32 {
        try namespace.inside { try checked("a raw socket on \(port)", bench_packet_socket(port)) }
    }

    private static func checked(_ what: String, _ descriptor: Int32) throws -> Int32 {
        guard descriptor >= 0 else { throw LabError.system(what, errno: errno) }
        return descriptor
    }
}

/// A gate in the lab's router with the lab's client and so many more.
func openGate(rules: String, clients: Int, in lab: Topology) async throws -> LinuxPacketGate {
    var configuration = LinuxPacketGate.Configuration(
        lan: ["lan0"], wan: "wan0", template: try String(contentsOfFile: rules, encoding: .utf8))
    configuration.rulesPath = "/tmp/\(lab.router.name).nft"
    configuration.namespace = NetworkNamespace(name: lab.router.name)
    // nft has read it when the gate is open.
    defer { try? FileManager.default.removeItem(atPath: configuration.rulesPath) }
    let gate = LinuxPacketGate(configuration)
    _ = try await gate.open()
    let entries = [Crowd.entry(of: lab.clients[0])] + Crowd.entries(clients)
    for start in stride(from: 0, to: entries.count, by: 500) {
        try await gate.apply(entries[start..<min(start + 500, entries.count)].map { .serve($0) })
    }
    return gate
}
