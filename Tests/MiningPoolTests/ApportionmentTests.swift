import MiningPool
import Primitives
import SimulatedHAL
import Testing

@Suite struct ApportionmentTests {
    /// By hand: 100 by 1 : 1 : 1 leaves 1, which the first has; by 5 : 3 : 1 the remainders are 5/9, 3/9, 1/9.
    @Test(
        arguments: [
            (100, [1, 1, 1], [34, 33, 33]), (100, [5, 3, 1], [56, 33, 11]), (7, [0, 1, 0], [0, 7, 0]), (5, [0, 0], [0, 0]),
            (2, [1, 1, 1], [1, 1, 0]), (0, [3, 4], [0, 0]), (.max, [.max], [.max]),
            (.max, [.max, .max], [1 << 63, 1 << 63 - 1]),
        ] as [(UInt64, [UInt64], [UInt64])])
    func theWholeIsSplitToTheLastUnit(whole: UInt64, weights: [UInt64], parts: [UInt64]) {
        #expect(Apportionment.split(whole, by: weights) == parts)
    }

    /// Whatever the weights: nothing is lost or made, nobody is a unit away from his exact part.
    @Test(arguments: 0..<200 as Range<UInt64>) func itIsExactForAllWeights(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let weights = (0..<Int.random(in: 1...50, using: &random)).map { _ in
            UInt64.random(in: 0...(seed % 2 == 0 ? 1_000 : .max / 64), using: &random)
        }
        let whole = UInt64.random(in: 0 ... .max, using: &random)
        let parts = Apportionment.split(whole, by: weights)
        let sum = weights.reduce(UInt128(0)) { $0 + UInt128($1) }
        #expect(sum == 0 || parts.reduce(UInt128(0)) { $0 + UInt128($1) } == UInt128(whole), "seed \(seed)")
        for (weight, part) in zip(weights, parts) where sum > 0 {
            let exact = UInt128(whole) * UInt128(weight) / sum
            #expect(UInt128(part) == exact || UInt128(part) == exact + 1, "seed \(seed)")
        }
    }
}
