import Consensus
import Primitives
import SimulatedHAL
import Testing

@Suite struct ElectionTests {
    static func key(_ number: UInt8) -> PublicKey { PublicKey(raw: Bytes32(Array(repeating: 0, count: 31) + [number])!) }
    static func candidates(_ stakes: [UInt64]) -> [Candidate] {
        stakes.enumerated().map { Candidate(key: key(UInt8($0 + 1)), stake: QLC(units: $1)) }
    }

    @Test(arguments: [
        ([5, 4, 3, 2, 1], 3, [1: 3, 2: 3, 3: 3]),  // fewer than four weigh the same
        ([9, 9, 9, 9, 9], 4, [1: 9, 2: 9, 3: 9, 4: 9]),  // ties go to the lower key
        ([0, 7, 0], 21, [2: 7]),  // no stake, no seat
        ([1000, 10, 10, 10, 10], 21, [1: 13, 2: 10, 3: 10, 4: 10, 5: 10]),  // 40/3
        ([1000, 1000, 10, 10, 10], 21, [1: 15, 2: 15, 3: 10, 4: 10, 5: 10]),  // 30/2
        ([100, 30, 30, 30, 30], 21, [1: 40, 2: 30, 3: 30, 4: 30, 5: 30]),
    ]) func seatsGoToMostStake(stakes: [Int], seats: Int, powers: [Int: Int]) throws {
        let set = try Election.elect(Self.candidates(stakes.map(UInt64.init)), seats: seats)
        let expected = try DelegateSet(powers.map { Delegate(key: Self.key(UInt8($0)), power: UInt64($1)) })
        #expect(set == expected)
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func nobodyWeighsMoreThanAQuarter(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let stakes = (0..<random.number(4...40)).map { _ in random.next() >> UInt64(random.number(8...60)) + 1 }
        let candidates = Self.candidates(stakes)
        let set = try Election.elect(candidates, seats: 21)
        #expect(set.totalPower <= DelegateSet.powerLimit)
        #expect(set.count == min(21, candidates.count))
        // The division that scales rounds down: one unit for each delegate at most.
        for delegate in set.delegates { #expect(delegate.power * 4 <= set.totalPower + 4 * UInt64(set.count)) }
        #expect(try Election.elect(candidates.reversed(), seats: 21) == set)
    }

    @Test func theWholeSupplyIsScaledDown() throws {
        let fifth = QLC.supply.units / 5
        let set = try Election.elect(Self.candidates(Array(repeating: fifth, count: 5)), seats: 21)
        #expect(set.totalPower <= DelegateSet.powerLimit && set.totalPower > DelegateSet.powerLimit / 2)
    }

    @Test func setsAreRefusedThatAreNone() throws {
        let one = Delegate(key: Self.key(1), power: 1)
        #expect(throws: ConsensusError.self) { try DelegateSet([]) }
        #expect(throws: ConsensusError.self) { try DelegateSet([one, one]) }
        #expect(throws: ConsensusError.self) { try DelegateSet([Delegate(key: Self.key(1), power: 0)]) }
        #expect(throws: ConsensusError.self) { try DelegateSet([Delegate(key: Self.key(1), power: DelegateSet.powerLimit + 1)]) }
        #expect(throws: ConsensusError.self) { try DelegateSet((1...65).map { Delegate(key: Self.key($0), power: 1) }) }
        let two = try DelegateSet([Delegate(key: Self.key(2), power: 3), one])
        #expect(try DelegateSet(canonicalBytes: two.canonicalBytes) == two)
        var swapped = two.canonicalBytes
        swapped.replaceSubrange(4..., with: two.canonicalBytes[44...] + two.canonicalBytes[4..<44])
        #expect(throws: CanonicalError.self) { try DelegateSet(canonicalBytes: swapped) }
    }

    @Test(arguments: [[1, 1, 1, 1], [1, 2, 3], [10, 1, 1], [7]]) func proposersTakeTurnsByPower(powers: [UInt64]) throws {
        let set = try Voters(powers: powers).set
        var rotation = ProposerRotation(set)
        let total = Int(set.totalPower)
        var turns: [PublicKey: Int] = [:]
        for _ in 0..<total * 3 {
            turns[rotation.proposer, default: 0] += 1
            rotation.advance()
        }
        for delegate in set.delegates { #expect(turns[delegate.key] == Int(delegate.power) * 3) }
        #expect(rotation == ProposerRotation(set))
    }

    /// The first turns of powers 1, 2 and 3, by hand: priorities (1, 2, 3) → C; (2, 4, 0) → B; (3, 0, 3) → A; (-2, 2, 6) → C; …
    @Test func turnsAreAsCalculatedByHand() throws {
        let set = try Voters(powers: [1, 2, 3]).set
        var rotation = ProposerRotation(set)
        var turns: [Int] = []
        for _ in 0..<6 {
            turns.append(rotation.proposerIndex)
            rotation.advance()
        }
        #expect(turns == [2, 1, 0, 2, 1, 2])
        #expect(ProposerRotation(set).advanced(by: 4).proposerIndex == 1)
    }
}
