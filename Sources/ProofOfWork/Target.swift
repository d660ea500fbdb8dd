public import Primitives

/// What a hash must stay below to count, as pools of RandomX coins compare it: the hash's last 8 bytes, read little-endian, against
/// 64 bits.
///
/// The whole hash as a little-endian number of 256 bits is below 2²⁵⁶ ÷ difficulty exactly when the work is done; these are its highest 64
/// bits, which decide for every difficulty a share has.
public struct Target: Hashable, Comparable, Sendable {
    public var bound: UInt64

    public init(bound: UInt64) { self.bound = bound }

    /// One hash in `difficulty` meets it, on average; 0 is taken for 1.
    public init(difficulty: UInt64) { bound = difficulty <= 1 ? .max : .max / difficulty }

    /// Hashes that it takes on average: what a share under it is worth.
    public var difficulty: UInt64 { bound == 0 ? .max : .max / bound }

    public func isMet(by hash: Bytes32) -> Bool { hash.work < bound }

    public static func < (left: Target, right: Target) -> Bool { left.bound < right.bound }
}

extension Target {
    /// As pools write it: 8 or 16 hexadecimal digits of a little-endian number. The short form has the highest 32 bits of a bound, rounded as
    /// miners round it: (2⁶⁴ - 1) ÷ ((2³² - 1) ÷ t).
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        let number = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch bytes.count {
        case 8 where number > 0: bound = number
        case 4 where number > 0: bound = .max / (UInt64(UInt32.max) / number)
        default: return nil
        }
    }

    /// The short form where it says the difficulty closely enough, as miners expect it; else the long one.
    public var hex: String {
        let short = bound >> 32
        guard short >= Self.shortest else { return Hex.encode((0..<8).map { UInt8(truncatingIfNeeded: bound >> (8 * $0)) }) }
        return Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: short >> (8 * $0)) })
    }

    /// What a miner that reads `hex` works for.
    public var asWritten: Target { Target(hex: hex) ?? self }

    /// With less than 1,024 in 32 bits, rounding would move the difficulty by more than a thousandth.
    private static let shortest: UInt64 = 1 << 10
}

extension Bytes32 {
    /// The highest 64 bits of the hash as a little-endian number: the lower, the more work.
    public var work: UInt64 { words.3.byteSwapped }
}
