import Foundation
import HAL
import Lab
import Primitives

/// Clients without a namespace of their own: addresses on lan0 that the gate knows and frames can come from.
enum Crowd {
    static func mac(_ index: Int) -> MACAddress { MACAddress(value: 0x0200_0001_0000 + UInt64(index)) }

    static func address(_ index: Int, _ family: Family) -> IPAddress {
        switch family {
        case .v4: .v4(0x0a4e_0100 + UInt32(index))
        case .v6: .v6(high: 0xfd77_0000_0000_0000, low: 0x1_0000 + UInt64(index))
        }
    }

    static func port(_ index: Int) -> UInt16 { UInt16(20_000 + index) }

    /// Everything evaluated, nothing ever cut off: the limit is out of reach, the lease has no end.
    static func entries(_ count: Int) -> [GateEntry] {
        (0..<count).map { index in
            GateEntry(
                mark: ClientMark(UInt32(index + 2))!, port: "lan0", mac: mac(index),
                addresses: Set(Family.allCases.map { address(index, $0) }), byteLimit: 1 << 60, lease: nil)
        }
    }

    /// The lab's own client, which has a namespace and can speak TCP.
    static func entry(of client: Topology.Client) -> GateEntry {
        GateEntry(
            mark: ClientMark(1)!, port: "lan0", mac: client.mac,
            addresses: Set(Family.allCases.compactMap { client.address($0) }), byteLimit: 1 << 60, lease: nil)
    }

    /// Makes the router know them as it knows neighbours, so that nobody asks for them.
    static func introduce(_ count: Int, to lab: Topology) throws {
        var lines = ["route replace 10.78.0.0/16 dev lan0"]
        for family in Family.allCases {
            lines += (0..<count).map { "neighbour replace \(address($0, family)) lladdr \(mac($0)) dev lan0 nud permanent" }
        }
        let input = lines.joined(separator: "\n") + "\n"
        try lab.router.run(["ip", "-batch", "-"], input: input, timeout: .seconds(120))
    }
}
