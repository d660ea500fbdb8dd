import Primitives

/// How long idle spells lasted, by the hour in which they began: counts of lengths in powers of two, of which old ones fade.
struct IdleSpells: Hashable, Sendable {
    /// Lengths from 2^k seconds on; the last is 9 hours and more.
    static let lengths = 16
    /// One row for each hour of the day, and one for all of them.
    static let rows = 25
    static let all = 24
    /// A row that has so many is halved: about two months of one spell a day count.
    static let rowMax: UInt32 = 64
    /// With fewer nothing is foretold.
    static let enough: UInt32 = 8

    private var counts = [UInt32](repeating: 0, count: rows * lengths)

    /// - Parameter hour: of the day; nil where the clock is not to be believed
    mutating func add(_ length: Nanoseconds, hour: Int?) {
        let seconds = max(1, length.wholeSeconds)
        let column = min(63 - seconds.leadingZeroBitCount, Self.lengths - 1)
        for row in [hour, Self.all].compactMap({ $0 }) {
            counts[row * Self.lengths + column] += 1
            let range = row * Self.lengths..<(row + 1) * Self.lengths
            guard counts[range].reduce(0, +) >= Self.rowMax else { continue }
            for index in range { counts[index] /= 2 }
        }
    }

    /// How long a spell that has lasted `lasted` will go on: what half of those before it did. nil: too little is known.
    ///
    /// A spell that outlasted all others is expected to go on as long again.
    func remaining(after lasted: Nanoseconds, hour: Int?) -> Nanoseconds? {
        let own = hour.map { counts(of: $0) } ?? []
        let row = own.reduce(0, +) >= Self.enough ? own : counts(of: Self.all)
        guard row.reduce(0, +) >= Self.enough else { return nil }
        let column = min(63 - max(1, lasted.wholeSeconds).leadingZeroBitCount, Self.lengths - 1)
        let longer = row[column...].reduce(0, +)
        guard longer > 0 else { return lasted }
        var seen: UInt32 = 0
        for (length, count) in zip(column..., row[column...]) {
            seen += count
            // The middle of its span.
            if seen * 2 >= longer { return max(lasted, .seconds(Int64(3) << Int64(length) / 2) - lasted) }
        }
        return lasted
    }

    private func counts(of row: Int) -> [UInt32] { Array(counts[row * Self.lengths..<(row + 1) * Self.lengths]) }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        for index in counts.indices {
            try coder.integer(&counts[index])
            guard counts[index] <= Self.rowMax else { throw .invalid("\(counts[index]) spells are more than are kept") }
        }
    }
}
