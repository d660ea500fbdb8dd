import Consensus
import Primitives
import Testing

@Suite struct CommitTests {
    let block = Voters.block(1)

    @Test(
        arguments: [
            ([1, 1, 1, 1], [0, 1, 2], true), ([1, 1, 1, 1], [0, 1], false), ([1, 1, 1], [0, 1], false),
            ([1, 1, 1], [0, 1, 2], true),
            ([4, 1, 1], [0], false), ([5, 1, 1], [0], true), ([2, 2, 2], [0, 2], false),
        ] as [([UInt64], [Int], Bool)]) func twoThirdsIsMoreThanTwoThirds(powers: [UInt64], signers: [Int], isFinal: Bool) throws
    {
        let voters = try Voters(powers: powers)
        let commit = voters.commit(block, by: signers)
        #expect(((try? commit.verify(chainID: Voters.chainID, by: voters.set)) != nil) == isFinal)
        #expect(try Commit(canonicalBytes: commit.canonicalBytes) == commit)
    }

    @Test func aFalseSignatureFailsTheWhole() throws {
        let voters = try Voters(powers: [1, 1, 1, 1])
        let good = voters.commit(block, by: [0, 1, 2, 3])
        try good.verify(chainID: Voters.chainID, by: voters.set)
        var forms: [Commit] = []
        for change: (inout Commit) -> Void in [
            { $0.height += 1 }, { $0.round += 1 }, { $0.block = Voters.block(2) }, { $0.signatures.swapAt(0, 1) },
            { $0.signatures.removeLast() }, { $0.signers |= 1 << 9 }, { $0.signers |= 1 << 63 },
            { $0.signatures[3] = $0.signatures[2] },
        ] {
            var changed = good
            change(&changed)
            forms.append(changed)
        }
        for commit in forms {
            #expect(throws: ConsensusError.self) { try commit.verify(chainID: Voters.chainID, by: voters.set) }
        }
        #expect(throws: ConsensusError.self) { try good.verify(chainID: .zero, by: voters.set) }
        let others = try Voters(powers: [1, 1, 1, 1], seed: 2)
        #expect(throws: ConsensusError.self) { try good.verify(chainID: Voters.chainID, by: others.set) }
    }

    @Test func bitmapsAndSignaturesAreOfOneLength() throws {
        var bytes = try Voters(powers: [1, 1, 1, 1]).commit(block, by: [0, 1, 2]).canonicalBytes
        let bitmap = 8 + 4 + 32
        #expect(bytes[bitmap] == 0b0111)
        bytes[bitmap] = 0b1111
        #expect(throws: CanonicalError.self) { try Commit(canonicalBytes: bytes) }
    }

    @Test func twoVotesForOneStepProveACheat() throws {
        let voters = try Voters(powers: [1, 1])
        let one = voters.vote(0, .prevote, for: block), other = voters.vote(0, .prevote, for: nil)
        let proof = try DoubleVote(one, other)
        #expect(try DoubleVote(other, one) == proof)
        try proof.verify(chainID: Voters.chainID)
        #expect(throws: ConsensusError.self) { try proof.verify(chainID: .zero) }
        #expect(throws: ConsensusError.self) { try DoubleVote(one, one) }
        for (a, b) in [
            (one, voters.vote(1, .prevote, for: nil)), (one, voters.vote(0, .precommit, for: nil)),
            (one, voters.vote(0, .prevote, for: nil, round: 1)), (one, voters.vote(0, .prevote, for: nil, height: 2)),
        ] { #expect(throws: ConsensusError.self) { try DoubleVote(a, b) } }
        // What was made up outside: every bit counts.
        for bit in stride(from: 0, to: proof.canonicalBytes.count * 8, by: 7) {
            var bytes = proof.canonicalBytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            if let forged = try? DoubleVote(canonicalBytes: bytes) {
                #expect(throws: ConsensusError.self) { try forged.verify(chainID: Voters.chainID) }
            }
        }
    }
}
