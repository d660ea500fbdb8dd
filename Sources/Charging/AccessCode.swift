public import Primitives

/// A prepaid allowance for people without a wallet. The code itself is printed and never stored; its keyed digest is.
public struct AccessCode: Hashable, Sendable, Codable {
    public enum Allowance: Hashable, Sendable, Codable {
        case bytes(UInt64)
        case seconds(UInt64)
    }

    /// What people call it, e.g. on a list: 1, 2, 3 …
    public var number: UInt32
    public var digest: Bytes32
    public var allowance: Allowance
    public var createdAt: WallTime
    /// Believed only while the clock is credible.
    public var validUntil: WallTime?
    public var isRevoked = false
    /// By ended sessions; the open one comes on top.
    public var usedBytes: UInt64 = 0
    public var usedTime = Nanoseconds.zero

    public init(number: UInt32, digest: Bytes32, allowance: Allowance, createdAt: WallTime, validUntil: WallTime?) {
        self.number = number
        self.digest = digest
        self.allowance = allowance
        self.createdAt = createdAt
        self.validUntil = validUntil
    }

    /// What is left after `usage` of the open session.
    func grant(after usage: Usage, at wall: WallTime) -> Grant {
        guard !isRevoked else { return Grant(bytes: 0, time: .zero) }
        var grant: Grant
        switch allowance {
        case .bytes(let bytes):
            grant = Grant(bytes: bytes.saturatingSubtract(usedBytes).saturatingSubtract(usage.bytes), time: nil)
        case .seconds(let seconds):
            grant = Grant(bytes: nil, time: max(.zero, .seconds(seconds) - usedTime - usage.time))
        }
        if let validUntil, wall.isCredible {
            let left = Nanoseconds.seconds(max(0, validUntil.secondsSince1970 - wall.secondsSince1970))
            grant.time = min(grant.time ?? left, left)
        }
        return grant
    }
}

/// The printed form of an access code: 12 symbols of Crockford's base 32 in groups of four, 60 random bits.
public enum AccessCodeText {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    public static let symbols = 12

    /// Takes 60 bits of `random`.
    public static func make(from random: UInt64) -> String {
        var text: [UInt8] = []
        for index in 0..<symbols {
            if index > 0, index.isMultiple(of: 4) { text.append(UInt8(ascii: "-")) }
            text.append(alphabet[Int(random >> (5 * index) & 31)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The twelve symbols whatever way they were typed: any case, spaces, dashes, O for 0, I and L for 1. nil if it cannot be a code.
    public static func normalise(_ text: String) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        var symbols: [UInt8] = []
        for character in text.uppercased().utf8 {
            switch character {
            case UInt8(ascii: "-"), UInt8(ascii: " "): continue
            case UInt8(ascii: "O"): symbols.append(UInt8(ascii: "0"))
            case UInt8(ascii: "I"), UInt8(ascii: "L"): symbols.append(UInt8(ascii: "1"))
            case let other where alphabet.contains(other): symbols.append(other)
            default: return nil
            }
        }
        return symbols.count == Self.symbols ? String(decoding: symbols, as: UTF8.self) : nil
    }

    /// The digest under which a code is stored; nil if `text` cannot be a code.
    public static func digest(of text: String, key: [UInt8]) -> Bytes32? {
        normalise(text).map { TaggedHash.keyed(key, Array("qlink/access-code/\($0)".utf8)) }
    }
}
