public import StationClient

/// Where a node of the chain answers: over TCP, or on a station's own control socket.
public struct NodeAddress: Hashable, Sendable {
    public static let standardPort = 2_052

    public let place: StationAddress

    /// Reads `http://HOST`, `http://HOST:PORT`, `HOST:PORT`, or the path of a control socket.
    /// - Throws: `badAddress`.
    public init(_ text: String) throws(ChainClientError) {
        if text.hasPrefix("/") || text.hasPrefix("unix:") {
            place = .unix(String(text.hasPrefix("unix:") ? text.dropFirst(5) : text[...]))
            return
        }
        guard !text.hasPrefix("https:") else {
            throw .badAddress(
                "\"\(text)\" asks for TLS, which nodes do not speak; what they say is proved, not trusted: use http://")
        }
        var rest = text.hasPrefix("http://") ? text.dropFirst(7) : text[...]
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let (host, port) = Self.split(rest) else {
            throw .badAddress("\"\(text)\" is no node's address; write it like http://127.0.0.1:\(Self.standardPort)")
        }
        place = .tcp(host: host, port: port)
    }

    private static func split(_ text: Substring) -> (host: String, port: Int)? {
        var (host, port) = (text, standardPort)
        let end = text.hasPrefix("[") ? text.firstIndex(of: "]") : text.startIndex
        guard let end else { return nil }
        if let colon = text[end...].firstIndex(of: ":") {
            guard let number = Int(text[text.index(after: colon)...]), (1...65_535).contains(number) else { return nil }
            (host, port) = (text[..<colon], number)
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !host.contains("/") else {
            return nil
        }
        return (String(host), port)
    }

    var rpcPath: String { if case .unix = place { "/v1/chain/rpc" } else { "/rpc" } }
    var eventsPath: String { if case .unix = place { "/v1/chain/events" } else { "/events" } }
}

extension NodeAddress: CustomStringConvertible {
    public var description: String { if case .tcp = place { "http://\(place)" } else { place.description } }
}
