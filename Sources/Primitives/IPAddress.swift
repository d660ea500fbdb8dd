/// An IPv4 or IPv6 address. Text forms follow RFC 5952; scope ids are not part of it.
public enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// nil unless `bytes` holds 4 or 16 bytes, in network order.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) })
        default: return nil
        }
    }

    /// 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let value): (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
        case .v6(let high, let low):
            (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
                + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
        }
    }

    public var isIPv6: Bool { if case .v6 = self { true } else { false } }

    /// fe80::/10 or 169.254.0.0/16: reaches the link only, so it is never billed.
    public var isLinkLocal: Bool {
        switch self {
        case .v4(let value): value >> 16 == 0xa9fe
        case .v6(let high, _): high >> 54 == 0x3fa
        }
    }

    /// Neither multicast, unspecified, loopback nor broadcast: something a client can own.
    public var isUnicast: Bool {
        switch self {
        case .v4(let value): value != 0 && value >> 28 < 14 && value >> 24 != 127
        case .v6(let high, let low): high >> 56 != 0xff && !(high == 0 && low <= 1)
        }
    }

    /// For networks behind a translator: RFC 1918, or a carrier's (RFC 6598).
    public var isPrivateIPv4: Bool {
        guard case .v4(let value) = self else { return false }
        return value >> 24 == 10 || value >> 20 == 0xac1 || value >> 16 == 0xc0a8 || isCarrierGradeNAT
    }

    /// 100.64.0.0/10 (RFC 6598).
    public var isCarrierGradeNAT: Bool {
        if case .v4(let value) = self { value >> 22 == 0x191 } else { false }
    }

    /// Good all over the internet: 2000::/3, or IPv4 that is neither private nor link-local.
    public var isGlobal: Bool {
        switch self {
        case .v4: isUnicast && !isPrivateIPv4 && !isLinkLocal
        case .v6(let high, _): high >> 61 == 1
        }
    }

    /// 127.0.0.0/8 or ::1: this machine itself.
    public var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// The IPv4 address inside `::ffff:a.b.c.d`, else the address itself.
    public var unmapped: IPAddress {
        if case .v6(0, let low) = self, low >> 32 == 0xffff { return .v4(UInt32(truncatingIfNeeded: low)) }
        return self
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number: the order in which addresses are shown.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4(let a), .v4(let b)): a < b
        case (.v4, .v6): true
        case (.v6, .v4): false
        case (.v6(let a, let b), .v6(let c, let d)): (a, b) < (c, d)
        }
    }
}

extension IPAddress: LosslessStringConvertible, Codable {
    public var description: String {
        guard case .v6 = self else { return bytes.map(String.init).joined(separator: ".") }
        let raw = bytes
        let groups = (0..<8).map { UInt16(raw[2 * $0]) << 8 | UInt16(raw[2 * $0 + 1]) }
        guard let gap = Self.longestZeroRun(in: groups) else {
            return groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }

    private static func longestZeroRun(in groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            let end: Int = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start > max(1, best?.count ?? 0) { best = start..<end }
            start = end
        }
        return best
    }

    public init?(_ description: String) {
        guard description.utf8.count <= 45 else { return nil }
        if description.utf8.contains(UInt8(ascii: ":")) {
            guard let address = Self.parseIPv6(description) else { return nil }
            self = address
        } else {
            guard let address = Self.parseIPv4(description[...]) else { return nil }
            self = address
        }
    }

    private static func parseIPv4(_ text: Substring) -> IPAddress? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                part == "0" || part.first != "0", let octet = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return .v4(value)
    }

    private static func parseIPv6(_ text: String) -> IPAddress? {
        let halves = split(text[...], atDoubleColon: ())
        guard let head = groups(of: halves.head, isEnd: halves.tail == nil) else { return nil }
        guard let tailText = halves.tail else {
            return head.count == 8 ? IPAddress(groups: head) : nil
        }
        guard let tail = groups(of: tailText, isEnd: true), head.count + tail.count <= 7 else { return nil }
        return IPAddress(groups: head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    private static func split(_ text: Substring, atDoubleColon: Void) -> (head: Substring, tail: Substring?) {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                return (text[..<index], text[text.index(after: next)...])
            }
            index = next
        }
        return (text, nil)
    }

    /// Dotted decimals stand for the last two groups of an address, so only at its end.
    private static func groups(of text: Substring, isEnd: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, part.contains("."), case .v4(let value)? = parseIPv4(part) {
                groups += [UInt16(value >> 16), UInt16(truncatingIfNeeded: value)]
                continue
            }
            guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups.count <= 8 ? groups : nil
    }

    private init(groups: [UInt16]) {
        let half = { (part: ArraySlice<UInt16>) in part.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        self = .v6(high: half(groups[0..<4]), low: half(groups[4..<8]))
    }

    public init(from decoder: any Decoder) throws { self = try decodeText(from: decoder, as: "an IP address") }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
}
