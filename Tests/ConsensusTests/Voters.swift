import Consensus
import Primitives
import SimulatedHAL
import Testing

/// Delegates with known keys, in the order of their set.
struct Voters {
    static let chainID = TaggedHash.digest(tag: "test", [1])

    let keys: [PrivateKey]
    let set: DelegateSet

    init(powers: [UInt64], seed: UInt64 = 1) throws {
        var random = SplitMix64(seed: seed)
        keys = powers.map { _ in PrivateKey(seed: random.bytes(32))! }.sorted { $0.publicKey < $1.publicKey }
        set = try DelegateSet(zip(keys, powers).map { Delegate(key: $0.publicKey, power: $1) })
    }

    static func block(_ number: UInt8) -> BlockID { TaggedHash.digest(tag: "block", [number]) }

    func vote(
        _ voter: Int, _ step: Vote.Step, for block: BlockID?, round: UInt32 = 0, height: UInt64 = 1, chainID: Bytes32 = chainID
    ) -> Verified<Vote> {
        let vote = Vote(chainID: chainID, height: height, round: round, step: step, block: block)
        return Verified(signing: vote, by: keys[voter])
    }

    func proposal(_ block: BlockID, by proposer: PublicKey, round: UInt32 = 0, validRound: UInt32? = nil) -> Verified<Proposal> {
        let key = keys.first { $0.publicKey == proposer }!
        let proposal = Proposal(chainID: Self.chainID, height: 1, round: round, validRound: validRound, block: block)
        return Verified(signing: proposal, by: key)
    }

    func commit(_ block: BlockID, by voters: [Int], height: UInt64 = 1, round: UInt32 = 0) -> Commit {
        let votes = voters.map { vote($0, .precommit, for: block, round: round, height: height) }
        let agreed = Vote(chainID: Self.chainID, height: height, round: round, step: .precommit, block: block)
        return Commit(of: agreed, from: votes, in: set)
    }
}
