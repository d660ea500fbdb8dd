import MiningPool
import Primitives
import SimulatedHAL
import Testing

/// How hard a member's shares are, and who may stay.
@Suite struct PoolMinerTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)

    /// Miners from 2 H/s to a farm: after ten minutes each brings about a share in twenty seconds.
    @Test(arguments: [(2, 1), (20, 2), (250, 3), (4_000, 4), (1_000_000, 5)] as [(UInt64, UInt64)])
    func sharesComeOnceInTwentySeconds(hashesPerSecond: UInt64, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var difficulty = ShareDifficulty(least: 1, at: Self.start)
        let seconds: Int64 = 7_200
        var late = 0
        for second in 1...seconds {
            let now = Self.start + .seconds(second)
            // Each hash is one chance in `difficulty`.
            var chances = hashesPerSecond
            while chances > 0 {
                let gap = UInt64(-Double(difficulty.difficulty) * logarithm(Double.random(in: 1e-12..<1, using: &random))) + 1
                guard gap <= chances else { break }
                chances -= gap
                if second > seconds / 2 { late += 1 }
                _ = difficulty.count(difficulty.difficulty, at: now)
            }
            if second % 5 == 0 { _ = difficulty.retarget(at: now) }
        }
        // 180 in an hour; chance and coarse steps may halve or double it. The slowest keep less than a hash's worth.
        #expect((70...420).contains(late), "\(late) shares, seed \(seed)")
    }

    @Test func whoAsksForADifficultyNeverGetsLess() {
        var difficulty = ShareDifficulty(asked: 50_000, least: 100, at: Self.start)
        for minute in 1...60 { _ = difficulty.retarget(at: Self.start + .seconds(Int64(minute) * 60)) }
        #expect(difficulty.difficulty == 50_000)
        #expect(ShareDifficulty(asked: .max, at: Self.start).difficulty == .max)
        #expect(ShareDifficulty(asked: 1, least: 100, at: Self.start).difficulty == 100)
    }

    @Test(arguments: [
        ("fff", true), ("ttttttttttttttttttttttttttttf", false), ("tttttttttttfff", false), ("ttttttttffft", true),
        ("ttttttttfff", true),
        ("ff", false), ("ffttttttf", true),
    ]) func whoHandsInFalseSharesGoes(verdicts: String, goes: Bool) {
        var conduct = MinerConduct()
        var isGone = false
        for verdict in verdicts where conduct.note(isTrue: verdict == "t") { isGone = true }
        #expect(isGone == goes)
    }

    @Test func aBanEnds() {
        var bans = BanList()
        let address = IPAddress("192.0.2.7")!
        bans.ban(address, at: Self.start)
        #expect(bans.isBanned(address, at: Self.start + .seconds(599)) && !bans.isBanned(address, at: Self.start + .seconds(600)))
        #expect(!bans.isBanned(IPAddress("192.0.2.8")!, at: Self.start))
        bans.forget(at: Self.start + .seconds(600))
        #expect(bans.count == 0)
    }

    @Test func manyBansHoldNoMemory() {
        var bans = BanList()
        for number in 0..<3_000 {
            bans.ban(IPAddress("10.0.\(number / 256).\(number % 256)")!, at: Self.start + .milliseconds(Int64(number)))
        }
        #expect(bans.count == 1_024 && bans.isBanned(IPAddress("10.0.11.183")!, at: Self.start + .seconds(10)))
    }

    /// ln x for 0 < x < 1: tests need no Foundation for it.
    private func logarithm(_ x: Double) -> Double {
        var (mantissa, exponent) = (x.significand, Double(x.exponent))
        let z = (mantissa - 1) / (mantissa + 1)
        var (term, sum) = (z, 0.0)
        for odd in stride(from: 1.0, to: 40, by: 2) {
            sum += term / odd
            term *= z * z
        }
        (mantissa, exponent) = (2 * sum, exponent * 0.6931471805599453)
        return mantissa + exponent
    }
}
