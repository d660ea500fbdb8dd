/// An amount of QLC in integer units of 10⁻⁸ (mission.md, CHAIN-5).
///
/// The whole supply, 600,000,000 QLC, is 6·10¹⁶ units and fits `UInt64` 300 times over.
/// The text form is a decimal with eight places: `0.10000000`.
public struct QLC: Hashable, Comparable, Sendable {
    public static let unitsPerQLC: UInt64 = 100_000_000
    public static let zero = QLC(units: 0)
    public static let supply = QLC(units: 600_000_000 * unitsPerQLC)

    public var units: UInt64

    public init(units: UInt64) { self.units = units }

    public static func < (left: QLC, right: QLC) -> Bool { left.units < right.units }

    /// The sum, or the largest amount if it would overflow: money is compared, never wrapped.
    public static func + (left: QLC, right: QLC) -> QLC {
        let (sum, overflow) = left.units.addingReportingOverflow(right.units)
        return QLC(units: overflow ? .max : sum)
    }

    /// The difference, or zero if `right` is the larger.
    public static func - (left: QLC, right: QLC) -> QLC {
        QLC(units: left.units > right.units ? left.units - right.units : 0)
    }

    public static func += (left: inout QLC, right: QLC) { left = left + right }
}

extension QLC: CustomStringConvertible, LosslessStringConvertible {
    public var description: String {
        let fraction = String(units % Self.unitsPerQLC)
        return "\(units / Self.unitsPerQLC)." + String(repeating: "0", count: 8 - fraction.count) + fraction
    }

    /// Reads `12`, `0.5` or `0.00000001`; nil for a sign, an exponent, a ninth decimal or an amount above the supply.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Self.digits(parts[0], atMost: 9) else { return nil }
        var fraction: UInt64 = 0
        if parts.count == 2 {
            guard let digits = Self.digits(parts[1], atMost: 8) else { return nil }
            fraction = digits
            for _ in parts[1].utf8.count..<8 { fraction *= 10 }
        }
        self.init(units: whole * Self.unitsPerQLC + fraction)
        guard self <= .supply else { return nil }
    }

    private static func digits(_ text: Substring, atMost limit: Int) -> UInt64? {
        guard (1...limit).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return UInt64(text)
    }
}

extension QLC: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let amount = QLC(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "\"\(text.prefix(40))\" is not an amount of QLC; write it like \"0.10000000\"")
        }
        self = amount
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
