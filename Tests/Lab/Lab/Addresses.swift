import Primitives

/// The lab's address plan.
enum Addresses {
    enum Net: Sendable {
        case lan, wan

        func prefix(_ family: Family) -> String {
            switch (self, family) {
            case (.lan, .v4): "10.77.0.0/20"
            case (.lan, .v6): "fd77::/64"
            case (.wan, .v4): "198.18.0.0/24"
            case (.wan, .v6): "fd78::/64"
            }
        }

        func length(_ family: Family) -> Int { family == .v6 ? 64 : self == .lan ? 20 : 24 }

        func host(_ number: Int, _ family: Family) -> IPAddress {
            switch (self, family) {
            case (.lan, .v4): .v4(0x0a4d_0000 + UInt32(number))
            case (.wan, .v4): .v4(0xc612_0000 + UInt32(number))
            case (.lan, .v6): .v6(high: 0xfd77_0000_0000_0000, low: UInt64(number))
            case (.wan, .v6): .v6(high: 0xfd78_0000_0000_0000, low: UInt64(number))
            }
        }
    }

    static let lan0 = MACAddress(value: 0x0200_0000_0001)
    static let wan0 = MACAddress(value: 0x0200_0000_0101)
    static let srv0 = MACAddress(value: 0x0200_0000_0102)

    static func mac(client index: Int) -> MACAddress { MACAddress(value: 0x0200_0000_0010 + UInt64(index)) }

    // Written, 10.77.0.10 and fd77::10 look alike: decimal there, hexadecimal here.
    private static func first(_ family: Family) -> Int { family == .v4 ? 10 : 0x10 }

    static func client(_ index: Int, _ family: Family) -> IPAddress { Net.lan.host(first(family) + index, family) }
    static func server(client index: Int, _ family: Family) -> IPAddress { Net.wan.host(first(family) + index, family) }
    static func router(_ net: Net, _ family: Family) -> IPAddress { net.host(1, family) }
    static func server(_ family: Family) -> IPAddress { Net.wan.host(2, family) }
}
