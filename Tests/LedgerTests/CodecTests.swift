import Charging
import Consensus
import Glibc
import Ledger
import Primitives
import SimulatedHAL
import Testing

/// Bytes and values are two faces of one thing: what is read is written as it was, what is written is read as it was.
@Suite struct CodecTests {
    /// Of each value; `QLINK_MUTATIONS=n` asks for more.
    static let mutations = getenv("QLINK_MUTATIONS").flatMap { Int(String(cString: $0)) } ?? 2_000

    /// One value of each kind that a random history brings forth.
    private static let history:
        (transactions: [Payload.Kind: Transaction], entries: [StateKey.Kind: StateEntry], blocks: [Block]) = {
            var found: (transactions: [Payload.Kind: Transaction], entries: [StateKey.Kind: StateEntry], blocks: [Block]) = (
                [:], [:], []
            )
            for seed in UInt64(1)...3 {
                guard var history = try? RandomHistory(seed: seed) else { preconditionFailure("a history begins") }
                for _ in 0..<40 {
                    guard let pool = try? history.pool(), let evidence = try? history.evidence(),
                        let made = try? history.chain.build(pool, evidence: evidence)
                    else { preconditionFailure("a history goes on") }
                    history.chain.state.apply(made.outcome)
                    for checked in pool { found.transactions[checked.transaction.payload.kind] = checked.transaction }
                    if !made.block.transactions.isEmpty { found.blocks.append(made.block) }
                }
                for (key, entry) in history.chain.state.all { found.entries[key.kind] = entry }
            }
            for kind in [StateKey.Kind.vesting, .proposal, .unbonding] where found.entries[kind] == nil {
                found.entries[kind] = made(kind)
            }
            return found
        }()

    /// Those that come and go.
    private static func made(_ kind: StateKey.Kind) -> StateEntry {
        switch kind {
        case .vesting: .vesting(Vesting(to: PublicKey(), total: .qlc(9), start: 5, end: 6))
        case .proposal: .proposal(ParameterProposal(ParameterVote(.seats, value: 9), expiresAt: 77))
        default: .unbonding(Unbonding(of: PublicKey(), from: PublicKey(), amount: .qlc(9), releasedAt: 5))
        }
    }

    private func check<Value: Canonical & Equatable>(_ value: Value, seed: UInt64) throws {
        let bytes = value.canonicalBytes
        let read = try Value(canonicalBytes: bytes)
        #expect(read == value)
        #expect(read.canonicalBytes == bytes)
        for length in 0..<bytes.count where bytes.count < 600 || length % 7 == 0 {
            #expect(throws: CanonicalError.self, "cut to \(length)") { try Value(canonicalBytes: bytes[..<length]) }
        }
        #expect(throws: CanonicalError.trailing(1)) { try Value(canonicalBytes: bytes + [0]) }
        var random = SplitMix64(seed: seed)
        for _ in 0..<Self.mutations {
            let mutated = mutate(bytes, &random)
            // Whatever is read at all stands for these bytes alone.
            guard let other = try? Value(canonicalBytes: mutated) else { continue }
            if other.canonicalBytes != mutated { Issue.record("\(Hex.encode(mutated)) is read as another") }
        }
    }

    private func mutate(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.number(1...3) {
            guard !bytes.isEmpty else { return bytes }
            let place = random.number(0...bytes.count - 1)
            switch random.number(0...5) {
            case 0: bytes[place] = random.pick([0, 1, 2, 0x7f, 0x80, 0xff])
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
            case 3: bytes.removeLast(min(bytes.count, random.number(1...40)))
            default: bytes[place] ^= 1 << UInt8(random.number(0...7))
            }
        }
        return bytes
    }

    @Test(arguments: Payload.Kind.allCases) func everyTransactionHasOneForm(kind: Payload.Kind) throws {
        let transaction = try #require(Self.history.transactions[kind])
        try check(transaction, seed: UInt64(kind.rawValue))
        #expect(transaction.payload.kind == kind)
    }

    @Test(arguments: StateKey.Kind.allCases) func everyEntryHasOneForm(kind: StateKey.Kind) throws {
        let entry = try #require(Self.history.entries[kind])
        try check(entry, seed: UInt64(kind.rawValue))
        try check(StateKey(kind, entry.hash), seed: UInt64(kind.rawValue))
        #expect(entry.kind == kind)
    }

    @Test func blocksAndWhatIsInThemHaveOneForm() throws {
        let block = try #require(Self.history.blocks.max { $0.transactions.count < $1.transactions.count })
        try check(block, seed: 1)
        try check(block.header, seed: 2)
        try check(try #require(block.lastCommit), seed: 3)
        let chain = try Chain()
        let proof = try chain.doubleVote(of: 0)
        try check(proof, seed: 4)
        try check(Ballot(voter: chain.names[0], vote: proof.first), seed: 5)
        try check(chain.state.epoch.current, seed: 6)
        try check(chain.state.head, seed: 7)
        try check(chain.genesis, seed: 8)
        for refusal in [nil] + Refusal.allCases { try check(Receipt(block.header.id, fee: .qlc(1), refusal: refusal), seed: 9) }
    }

    @Test func whatADelegateSignsHasOneForm() throws {
        var random = SplitMix64(seed: 11)
        for _ in 0..<8 {
            let block = Bytes32(random.bytes(32))!, round = UInt32(random.number(1...9)), height = random.next()
            let vote = Vote(
                chainID: block, height: height, round: round, step: random.pick(Vote.Step.allCases),
                block: random.chance(1, in: 2) ? block : nil)
            let proposal = Proposal(
                chainID: block, height: height, round: round, validRound: random.chance(1, in: 2) ? round - 1 : nil, block: block)
            var signing = SigningState(chainID: block, height: height)
            (signing.proposal, signing.prevote) = (proposal, random.chance(1, in: 2) ? vote : nil)
            signing.locked = random.chance(1, in: 2) ? RoundBlock(round: round, block: block) : nil
            var summary = RoundSummary()
            summary.entries = (0..<random.number(0...8)).map { number in
                var entry = RoundSummary.Entry()
                (entry.round, entry.prevoters) = (UInt32(number), random.next())
                return entry
            }
            try check(vote, seed: height)
            try check(proposal, seed: height)
            try check(signing, seed: height)
            try check(summary, seed: height)
        }
    }

    /// Order and range are part of the form.
    @Test func formsThatWouldBeSecondOnesAreRefused() throws {
        var chain = try Chain()
        let (one, two) = (try chain.openChannel(), try chain.openChannel())
        var settlement = SettleChannels([chain.voucher(one, .qlc(1), 1), chain.voucher(two, .qlc(1), 1)])
        settlement.vouchers.swapAt(0, 1)
        #expect(throws: CanonicalError.invalid("a settlement's channels increase")) { try settlement.encoded() }
        settlement.vouchers[0] = settlement.vouchers[1]
        #expect(throws: CanonicalError.invalid("a settlement's channels increase")) { try settlement.encoded() }
        #expect(throws: CanonicalError.invalid("a settlement without vouchers")) { try SettleChannels().encoded() }
        #expect(throws: CanonicalError.self) { try RegisterDelegate(commission: 10_001).encoded() }
        var facts = AssetFacts()
        facts.geohash = "a"
        #expect(throws: CanonicalError.invalid("\"a\" is not a geohash")) { try facts.encoded() }
        facts = AssetFacts()
        facts.bssid = 1 << 48
        #expect(throws: CanonicalError.invalid("a BSSID has 48 bits")) { try facts.encoded() }
        facts = AssetFacts()
        facts.ssid = Array(repeating: 0, count: 33)
        #expect(throws: CanonicalError.tooLong(length: 33, limit: 32)) { try facts.encoded() }
        var proposal = ParameterProposal(ParameterVote(.seats, value: 9), expiresAt: 1)
        proposal.supporters = [chain.names[0], chain.names[0]]
        #expect(throws: CanonicalError.self) { try proposal.encoded() }
    }
}
