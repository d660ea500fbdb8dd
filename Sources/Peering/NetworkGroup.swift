public import Primitives

/// Addresses that probably belong to one owner: all that start with the same bits.
public struct NetworkGroup: Hashable, Sendable, Canonical {
    /// The port is zero but where it tells nodes apart.
    private var network = PeerAddress()
    private var length: UInt8 = 0

    public init() {}

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&network)
        try coder.integer(&length)
    }

    private init(_ address: IPAddress, v4: UInt8, v6: UInt8, port: UInt16 = 0) {
        let address = address.unmapped
        length = address.isIPv6 ? v6 : v4
        let masked: IPAddress
        switch address {
        case .v4(let value): masked = .v4(value & (UInt32.max << (32 - UInt32(v4))))
        case .v6(let high, let low):
            masked = v6 <= 64 ? .v6(high: high & (UInt64.max << (64 - UInt64(v6))), low: 0) : .v6(high: high, low: low)
        }
        network = PeerAddress(Endpoint(address: masked, port: port))
    }

    /// What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits.
    public static func subscriber(_ address: IPAddress) -> NetworkGroup { NetworkGroup(address, v4: 32, v6: 64) }

    /// What a small hoster has: /24 or /64.
    public static func neighbours(of address: IPAddress) -> NetworkGroup { NetworkGroup(address, v4: 24, v6: 64) }

    /// Outbound links go to different ones: /16, or /32 which is what a registry gives a provider. Addresses that are not global
    /// exist only where one owner made them all, so there each endpoint counts for itself.
    public static func provider(of endpoint: Endpoint) -> NetworkGroup {
        let address = endpoint.address.unmapped
        guard address.isGlobal else { return NetworkGroup(address, v4: 32, v6: 128, port: endpoint.port) }
        return NetworkGroup(address, v4: 16, v6: 32)
    }

    /// The same for the same group: what a chain node, which knows of no addresses, tells networks apart by.
    var number: UInt64 { TaggedHash.digest(tag: "qlink/network-group", canonicalBytes).words.0 }
}
