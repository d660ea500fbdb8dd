import CBench
import Foundation
import Lab
import Primitives

/// The smallest UDP frames there are, one for each client in turn: 60 bytes and the 4 of Ethernet's own sum in IPv4, 62 + 4 in IPv6.
struct Frames: Sendable {
    enum Way: String, Sendable, CaseIterable { case up, down }

    static let stride = 64
    let count: Int
    let size: Int
    private let bytes: [UInt8]

    init(_ way: Way, _ family: Family, count: Int, lab: Topology) {
        let frames = (0..<count).map { Self.frame(way, family, client: $0, lab: lab) }
        self.count = count
        size = frames[0].count
        bytes = frames.flatMap { $0 + [UInt8](repeating: 0, count: Self.stride - $0.count) }
    }

    /// Sends so many of them from a raw socket.
    func spray(_ socket: Int32, packets: Int) throws {
        var next: Int32 = 0
        let sent = bytes.withUnsafeBufferPointer {
            bench_spray(socket, $0.baseAddress, Int32(size), Int32(Self.stride), Int32(count), &next, Int64(packets))
        }
        guard sent == packets else { throw LabError.system("sending raw frames", errno: errno) }
    }

    private static func frame(_ way: Way, _ family: Family, client: Int, lab: Topology) -> [UInt8] {
        let server = lab.serverAddress(family)
        let ends =
            way == .up
            ? (to: lab.mac(of: .lan0), from: Crowd.mac(client), source: Crowd.address(client, family), target: server)
            : (to: lab.mac(of: .wan0), from: lab.mac(of: .srv0), source: server, target: lab.routerAddress(family))
        let ports = way == .up ? [Crowd.port(client), 9] : [9, Crowd.port(client)]
        let payload = [UInt8](repeating: 0, count: family == .v4 ? 18 : 0)
        // No UDP sum: both routers then have none to check.
        let udp = (ports + [UInt16(8 + payload.count), 0]).flatMap(\.octets) + payload
        let type: UInt16 = family == .v4 ? 0x0800 : 0x86dd
        return ends.to.octets + ends.from.octets + type.octets + header(family, ends.source, ends.target, udp.count) + udp
    }

    private static func header(_ family: Family, _ source: IPAddress, _ target: IPAddress, _ length: Int) -> [UInt8] {
        let addresses = source.bytes + target.bytes
        guard family == .v4 else { return [0x60, 0, 0, 0] + UInt16(length).octets + [17, 64] + addresses }
        var head = [0x45, 0] + UInt16(20 + length).octets + [0, 0, 0, 0, 64, 17, 0, 0] + addresses
        var sum = Swift.stride(from: 0, to: 20, by: 2).reduce(0) { $0 + Int(head[$1]) << 8 + Int(head[$1 + 1]) }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        head.replaceSubrange(10..<12, with: (~UInt16(sum)).octets)
        return head
    }
}

extension UInt16 {
    fileprivate var octets: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}
