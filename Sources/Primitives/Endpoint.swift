/// Where a service listens: `127.0.0.1:2947`, `[::1]:2947`.
public struct Endpoint: Hashable, Sendable, LosslessStringConvertible {
    public var address: IPAddress
    public var port: UInt16

    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// nil for names: whoever is asked by name can be sent elsewhere.
    public init?(_ description: String) {
        guard let colon = description.lastIndex(of: ":") else { return nil }
        var host = description[..<colon]
        let digits = description[description.index(after: colon)...]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits),
            port > 0, let address = IPAddress(String(host)), address.isIPv6 == isBracketed
        else { return nil }
        self.init(address: address, port: port)
    }

    public var description: String { address.isIPv6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
