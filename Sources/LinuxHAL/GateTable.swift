import Netlink
import HAL
import Primitives

/// One place from which a client may send: all three must fit.
struct GateBinding: Hashable {
    var index: Int32
    var mac: MACAddress
    var address: IPAddress
}

/// The names in board/gate.nft, and how their keys are written.
///
/// nft pads each part of a concatenated key to four bytes; marks and interface indices are in the machine's order.
enum GateTable {
    static let name = "gate"
    static let account = "account"
    static let quotaOf = "quota_of"
    static let bind = (v4: "bind4", v6: "bind6")
    static let down = (v4: "down4", v6: "down6")
    static let seen = (v4: "seen4", v6: "seen6")

    /// The kernel takes no greater quota (net/netfilter/nft_quota.c); nobody moves eight exabytes.
    static let noLimit = UInt64(Int64.max)
    static let downBit: UInt32 = 0x8000_0000

    static func keys(_ mark: ClientMark) -> [[UInt8]] { [key(mark.value), key(mark.value | downBit)] }

    /// What lets a client pass: both of its marks lead to its quota, for as long as its lease lasts.
    static func service(_ mark: ClientMark, milliseconds: UInt64? = nil) -> [SetElement] {
        keys(mark).map { SetElement(key: $0, object: quotaName(mark), timeoutMilliseconds: milliseconds) }
    }

    static func key(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }

    static func key(_ binding: GateBinding) -> [UInt8] {
        key(UInt32(bitPattern: binding.index)) + binding.mac.octets + [0, 0] + binding.address.bytes
    }

    static func binding(_ key: WireBytes) -> GateBinding? {
        guard let index = key.native(Int32.self), let mac = key.slice(at: 4, count: 6).flatMap({ MACAddress(octets: $0.array) }),
            let address = key.dropping(12).flatMap({ IPAddress(bytes: $0.array) })
        else { return nil }
        return GateBinding(index: index, mac: mac, address: address)
    }

    /// The client of an uplink or downlink mark.
    static func mark(_ key: WireBytes?) -> ClientMark? {
        guard let key, key.count == 4, let value = key.native(UInt32.self) else { return nil }
        return ClientMark(value & ~downBit)
    }

    static func isDown(_ key: WireBytes) -> Bool { key.native(UInt32.self).map { $0 & downBit != 0 } ?? false }

    static func quotaName(_ mark: ClientMark) -> String { "q\(mark.value)" }

    static func mark(quotaName: String) -> ClientMark? {
        guard quotaName.first == "q", let value = UInt32(quotaName.dropFirst()) else { return nil }
        return ClientMark(value)
    }
}
