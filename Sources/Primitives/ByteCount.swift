/// A number of bytes as people write it: `1500`, `1kB`, `20MB`, `1.5GB`, `1GiB` (decimal units as in CONT-2; binary with an i).
public struct ByteCount: Hashable, Comparable, Sendable {
    public var bytes: UInt64

    public init(bytes: UInt64) { self.bytes = bytes }

    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    private static let units: [(name: String, size: UInt64)] = [
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000),
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]
}

extension ByteCount: LosslessStringConvertible {
    /// Three figures and a decimal unit: `1.50 GB`.
    public var description: String {
        guard let unit = Self.units.prefix(4).first(where: { bytes >= $0.size }) else { return "\(bytes) B" }
        let whole = bytes / unit.size
        let places = whole >= 100 ? 0 : whole >= 10 ? 1 : 2
        guard places > 0 else { return "\(whole) \(unit.name)" }
        let scale: UInt64 = places == 2 ? 100 : 10
        let fraction = String(bytes % unit.size / (unit.size / scale))
        return "\(whole)." + String(repeating: "0", count: places - fraction.count) + fraction + " \(unit.name)"
    }

    public init?(_ description: String) {
        let number = description.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var suffix = description.dropFirst(number.count)
        if suffix.first == " " { suffix = suffix.dropFirst() }
        guard
            let unit = suffix.isEmpty ? Self.units.last : Self.units.first(where: { $0.name.lowercased() == suffix.lowercased() })
        else { return nil }
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = UInt64(parts[0]) else { return nil }
        var (bytes, overflow) = whole.multipliedReportingOverflow(by: unit.size)
        guard !overflow else { return nil }
        if parts.count == 2 {
            guard (1...9).contains(parts[1].count), var fraction = UInt64(parts[1]) else { return nil }
            for _ in parts[1].count..<9 { fraction *= 10 }
            let part = unit.size.multipliedFullWidth(by: fraction)
            let quotient = UInt64(1_000_000_000).dividingFullWidth((part.high, part.low)).quotient
            (bytes, overflow) = bytes.addingReportingOverflow(quotient)
            guard !overflow else { return nil }
        }
        self.init(bytes: bytes)
    }
}
