public import Primitives

/// An endpoint as peers tell each other: `u8 family ‖ 4 or 16 bytes ‖ u16 port`.
struct PeerAddress: Hashable, Sendable, Canonical {
    var endpoint = Endpoint(address: .v4(0), port: 0)

    init() {}
    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        let family = try coder.tag(endpoint.address.isIPv6 ? 6 : 4)
        guard family == 4 || family == 6 else { throw .invalid("an address has 4 or 6 as its family, not \(family)") }
        var raw = endpoint.address.bytes
        try coder.fixed(&raw, count: family == 4 ? 4 : 16)
        guard let address = IPAddress(bytes: raw) else { throw .invalid("not an address") }
        endpoint.address = address
        try coder.integer(&endpoint.port)
    }
}

/// The answer to `askAddresses`.
struct AddressList: Hashable, Sendable, Canonical {
    /// What is told at once: enough to find the network, too little to copy the book by asking.
    static let limit = 64
    static let lengthLimit = 4 + limit * 19

    var addresses: [PeerAddress] = []

    init() {}
    init(_ endpoints: [Endpoint]) { addresses = endpoints.map(PeerAddress.init) }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.array(&addresses, limit: Self.limit)
    }
}

/// A peer that the owner names: `host:port`, `[2001:db8::1]:port` or `identity@host:port`.
public struct ConfiguredPeer: Hashable, Sendable, LosslessStringConvertible {
    /// When given, nobody else is accepted there.
    public var identity: PublicKey?
    public var host: String
    public var port: UInt16

    public init(identity: PublicKey? = nil, host: String, port: UInt16) {
        (self.identity, self.host, self.port) = (identity, host, port)
    }

    public init?(_ description: String) {
        var rest = description[...]
        if let at = rest.firstIndex(of: "@") {
            guard let identity = PublicKey(String(rest[..<at])) else { return nil }
            self.identity = identity
            rest = rest[rest.index(after: at)...]
        }
        guard let colon = rest.lastIndex(of: ":") else { return nil }
        let digits = rest[rest.index(after: colon)...]
        var host = rest[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits),
            port > 0, (1...253).contains(host.utf8.count), host.contains(":") == isBracketed
        else { return nil }
        (self.host, self.port) = (String(host), port)
    }

    public var description: String {
        (identity.map { "\($0)@" } ?? "") + (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
    }
}
