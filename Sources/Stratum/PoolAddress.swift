public import Primitives

/// Where a pool listens, as an owner writes it.
public struct PoolAddress: Hashable, Sendable {
    /// Whom to believe that it is the pool.
    public enum Trust: Hashable, Sendable {
        /// No TLS.
        case plain
        /// A certificate for the host's name, by an authority that this system knows.
        case names
        /// The one certificate with this SHA-256.
        case fingerprint(Bytes32)
        case anybody
    }

    public var host: String
    public var port: UInt16
    public var trust: Trust

    public init(host: String, port: UInt16, trust: Trust) { (self.host, self.port, self.trust) = (host, port, trust) }

    /// For people: `pool.example.org:3333`.
    public var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Also `stratum+tcp://` and `stratum+ssl://`, as pools write it.
    public init?(_ text: String) {
        let schemes = [
            ("tcp://", false), ("stratum+tcp://", false), ("tls://", true), ("ssl://", true), ("stratum+ssl://", true),
        ]
        guard let (scheme, isTLS) = schemes.first(where: { text.hasPrefix($0.0) }) else { return nil }
        let parts = text.dropFirst(scheme.count).split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard let colon = parts[0].lastIndex(of: ":"), let port = UInt16(parts[0][parts[0].index(after: colon)...]), port > 0
        else { return nil }
        var host = parts[0][..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy(Self.isOfName) else { return nil }
        switch (isTLS, parts.count > 1 ? parts[1] : nil) {
        case (false, nil): trust = .plain
        case (true, nil): trust = .names
        case (true, "any"): trust = .anybody
        case (true, let print?):
            guard let digest = Bytes32(String(print)) else { return nil }
            trust = .fingerprint(digest)
        default: return nil
        }
        (self.host, self.port) = (String(host), port)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
