import Primitives
import ProofOfWork
import SimulatedHAL
import Testing

@Suite struct TargetTests {
    /// The short form as xmrig and p2pool read it; b88d0600 is the example of the pools' own document, 10,000 hashes.
    @Test(
        arguments: [
            ("b88d0600", 10_000), ("ffffffff", 1), ("01000000", 4_294_967_295), ("ffffffffffffffff", 1),
            ("0000000001000000", 4_294_967_295),
        ] as [(String, UInt64)]) func theTextSaysTheDifficulty(hex: String, difficulty: UInt64) throws
    {
        #expect(try #require(Target(hex: hex)).difficulty == difficulty)
    }

    @Test(arguments: ["", "00", "00000000", "0000000000000000", "b88d06", "b88d060000", "zzzzzzzz", "b88d0600b88d0600b8"])
    func whatIsNoTargetIsRefused(hex: String) { #expect(Target(hex: hex) == nil) }

    /// What a miner reads is worth what the pool counts, to a thousandth, up to difficulties that no share will have.
    @Test(arguments: 0..<200 as Range<UInt64>) func writingAndReadingKeepsTheDifficulty(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let difficulty = max(1, UInt64.random(in: .min ... .max, using: &random) >> UInt64.random(in: 14..<64, using: &random))
        let target = Target(difficulty: difficulty)
        let read = try #require(Target(hex: target.hex), "seed \(seed)")
        let (low, high) = (min(read.difficulty, difficulty), max(read.difficulty, difficulty))
        #expect(high - low <= high / 1_000 + 1, "seed \(seed): \(difficulty) became \(read.difficulty)")
        #expect(target.asWritten == read)
    }

    @Test func theLastEightBytesDecideLittleEndian() {
        let hash = Bytes32([UInt8](repeating: 0xff, count: 24) + [5, 0, 0, 0, 0, 0, 0, 0])!
        #expect(hash.work == 5)
        #expect(Target(bound: 6).isMet(by: hash) && !Target(bound: 5).isMet(by: hash))
        #expect(!Target(difficulty: .max).isMet(by: hash) && Target(difficulty: .max / 6).isMet(by: hash))
    }
}
