public import Primitives

/// A small generator of random numbers that gives the same sequence for the same seed, for ever.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number of `range`. The standard library's own way may change between versions; this one does not.
    public mutating func number(_ range: ClosedRange<Int>) -> Int {
        let count = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int(next().multipliedFullWidth(by: count).high)
    }

    /// True `times` times in `of`, on average.
    public mutating func chance(_ times: Int, in of: Int) -> Bool { number(1...of) <= times }

    public mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }

    public mutating func milliseconds(_ range: ClosedRange<Int>) -> Nanoseconds { .milliseconds(number(range)) }

    public mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) } }

    /// A generator of its own, so that more draws here change nothing there.
    public mutating func split() -> SplitMix64 { SplitMix64(seed: next()) }
}
