import Consensus
import Primitives
import Testing

/// More than a third of the power is dishonest: two certified chains.
@Suite struct LightAttackTests {
    static let crowd = Crowd(powers: Array(repeating: 1, count: 20))
    static let nine = Array(0..<9)

    /// The chain, on which delegate 8 never signs.
    static func chain(heights: Int = 64, members: [[Int]]? = nil) throws -> LightChain {
        var chain = try LightChain(crowd: crowd, members: members ?? Array(repeating: nine, count: heights + 1))
        chain.signers = { _, members in members.filter { $0 != 8 } }
        return chain
    }

    static func keys(_ delegates: [Int]) -> [PublicKey] { delegates.map(crowd.key).sorted() }

    /// A primary on one chain, three witnesses on the other.
    static func update(primary: LightChain, witnesses: LightChain, checkpoint: Checkpoint? = nil) throws -> LightNetwork {
        let peers = [primary.answer] + Array(repeating: witnesses.answer, count: 3)
        var network = LightNetwork(checkpoint ?? witnesses.checkpoint, peers: peers)
        try network.update(now: max(primary.now, witnesses.now))
        return network
    }

    /// What a full node makes of evidence: it looks up the blocks on its own chain.
    static func verdict(on evidence: LightAttackEvidence, by chain: LightChain) throws -> [PublicKey] {
        try evidence.verify(
            common: chain.block(evidence.commonHeight), trusted: chain.block(min(evidence.conflicting.height, chain.height)),
            chainID: Voters.chainID)
    }

    /// Delegates 2 to 8 sign another block at height 40; 0 to 7 signed the chain's: 2 to 7 signed both.
    @Test func equivocationNamesExactlyTheDoubleSigners() throws {
        let chain = try Self.chain()
        var fork = try chain.forked(at: 40) {
            $0.transactionRoot = .zero
            $0.evidenceRoot = $0.id
        }
        // The next headers have other parents, and so another state: only the first is a double vote.
        fork.signers = { height, members in height < 40 ? members.filter { $0 != 8 } : Array(2...8) }
        var target = LightNetwork(chain.checkpoint, peers: [fork.answer, chain.answer, chain.answer])
        try target.update(.height(40), now: chain.now)
        let evidence = try #require(target.evidence)
        #expect(evidence[0].kind(against: try chain.block(40)) == .equivocation && evidence[0].commonHeight == 40)
        #expect(try Self.verdict(on: evidence[0], by: chain) == Self.keys(Array(2...7)))
        // On the other chain the same evidence is against the same delegates, seen from the other side.
        #expect(evidence.count == 2)
        #expect(try Self.verdict(on: evidence[1], by: fork) == Self.keys(Array(2...7)))
        #expect(target.client.fork == .fork(height: 40, fork.header(40).id, chain.header(40).id))
        #expect(target.verified == nil && target.client.trusted.map(\.height) == [1])
    }

    @Test func afterAForkTheClientSaysNoMore() throws {
        let chain = try Self.chain()
        var network = try Self.update(primary: chain.forked(at: 40) { $0.stateRoot = .zero }, witnesses: chain)
        #expect(network.client.fork != nil)
        try network.update(now: chain.now)
        #expect(network.deeds.isEmpty && network.questions.isEmpty)
    }

    @Test func aMadeUpStateIsTheFaultOfAllWhoSignedIt() throws {
        let chain = try Self.chain()
        var fork = try chain.forked(at: 64) { $0.stateRoot = .zero }
        fork.signers = { _, members in Array(members.suffix(7)) }
        let network = try Self.update(primary: fork, witnesses: chain)
        let evidence = try #require(network.evidence)
        #expect(evidence[0].kind(against: try chain.block(64)) == .lunatic && evidence[0].commonHeight == 1)
        #expect(try Self.verdict(on: evidence[0], by: chain) == Self.keys(Array(2...8)))
    }

    /// Every field that follows from the blocks before; the others are the proposer's choice.
    @Test func lunacyIsToldByTheFieldsOfTheState() throws {
        let chain = try Self.chain(heights: 3)
        let state: [(inout Header) -> Void] = [
            { $0.stateRoot = .zero }, { $0.receiptsRoot = $0.id }, { $0.parameters = $0.id }, { $0.nextDelegateSet = .zero },
            { $0.delegateSet = .zero },
        ]
        let choice: [(inout Header) -> Void] = [
            { $0.time += 1 }, { $0.transactionRoot = $0.id }, { $0.evidenceRoot = $0.id }, { $0.publicChainAnchor = $0.id },
            { $0.proposer = PublicKey() }, { $0.lastCommit = $0.id }, { $0.parent = .zero },
        ]
        for (changes, kind) in [(state, LightAttackEvidence.Kind.lunatic), (choice, .equivocation)] {
            for change in changes {
                var header = chain.header(2)
                change(&header)
                let block = try Self.crowd.certify(header, members: Self.nine, signers: Self.nine)
                #expect(LightAttackEvidence(conflicting: block, commonHeight: 1).kind(against: try chain.block(2)) == kind)
            }
        }
    }

    /// In another round somebody forgot a lock. The commits do not tell who, so nobody is punished; the client stops all the same.
    @Test func amnesiaPunishesNobody() throws {
        let chain = try Self.chain()
        var fork = try chain.forked(at: 40) { $0.transactionRoot = $0.id }
        fork.round = 1
        var network = LightNetwork(chain.checkpoint, peers: [fork.answer, chain.answer, chain.answer])
        try network.update(.height(40), now: chain.now)
        let evidence = try #require(network.evidence)
        #expect(evidence[0].kind(against: try chain.block(40)) == .amnesia)
        #expect(try Self.verdict(on: evidence[0], by: chain).isEmpty)
    }

    /// The delegates change so fast that the way to the head has many steps; both chains share some of them.
    @Test(arguments: [12, 33, 47, 63] as [UInt64]) func theLastCommonBlockIsFoundOnTheTrace(height: UInt64) throws {
        let members = (0...64).map { index in (0..<6).map { index / 8 + $0 } }
        let chain = try LightChain(crowd: Self.crowd, members: members)
        let fork = try chain.forked(at: height) { $0.stateRoot = .zero }
        let network = try Self.update(primary: fork, witnesses: chain)
        let evidence = try #require(network.evidence?.first)
        #expect(evidence.commonHeight < height && evidence.conflicting.height >= height)
        #expect(fork.header(evidence.conflicting.height) == evidence.conflicting.header)
        let guilty = try Self.verdict(on: evidence, by: chain)
        let common = Set(Self.keys(chain.members(evidence.commonHeight)))
        #expect(Set(guilty) == common.intersection(Self.keys(fork.members(evidence.conflicting.height))) && !guilty.isEmpty)
        // The other way round: the primary's chain has the witness's signers for liars.
        let other = try #require(network.evidence?.last)
        #expect(other != evidence && chain.header(other.conflicting.height) == other.conflicting.header)
        #expect(!(try Self.verdict(on: other, by: fork)).isEmpty)
    }

    /// The forked chain elects its own delegates: then those who announced them are to blame.
    @Test func delegatesOfTheForksOwnChoiceShieldNobody() throws {
        let chain = try Self.chain()
        let fork = try chain.forked(at: 40, members: Array(9..<18)) { _ in }
        #expect(fork.header(40).delegateSet == chain.header(40).delegateSet)
        let network = try Self.update(primary: fork, witnesses: chain)
        let evidence = try #require(network.evidence?.first)
        #expect(evidence.conflicting.header == fork.header(40), "the first that they announced")
        #expect(try Self.verdict(on: evidence, by: chain) == Self.keys(Array(0..<8)))
    }

    /// The set changes wholly at height 2: none of the liars is in the common block's set, but it announced them.
    @Test func announcedDelegatesAnswerForTheirFirstBlock() throws {
        let chain = try LightChain(crowd: Self.crowd, members: [[0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7]])
        var fork = try chain.forked(at: 2) { $0.stateRoot = .zero }
        fork.signers = { height, members in height == 1 ? members : Array(members.prefix(3)) }
        let evidence = try #require(try Self.update(primary: fork, witnesses: chain).evidence?.first)
        #expect(evidence.commonHeight == 1)
        #expect(try Self.verdict(on: evidence, by: chain) == Self.keys([4, 5, 6]))
    }

    /// The fork keeps its delegates and is believed at once; the chain replaces them, so its head takes steps from the common block. What
    /// the fork's friends would call a lie is the first of those steps.
    @Test func bothSidesAreAccusedFromTheLastCommonBlock() throws {
        let members = (0...64).map { index in (0..<6).map { index / 8 + $0 } }
        let chain = try LightChain(crowd: Self.crowd, members: members)
        let fork = try chain.forked(at: 3, members: members[0]) { $0.stateRoot = .zero }
        let evidence = try #require(try Self.update(primary: fork, witnesses: chain).evidence)
        #expect(evidence.count == 2 && evidence.map(\.commonHeight) == [1, 1])
        #expect(evidence[0].conflicting.header == fork.header(64))
        #expect(try Self.verdict(on: evidence[0], by: chain) == Self.keys(members[0]))
        let step = evidence[1].conflicting.height
        #expect(step < 64 && evidence[1].conflicting.header == chain.header(step))
        #expect(!(try Self.verdict(on: evidence[1], by: fork)).isEmpty)
    }

    /// A primary with a height that nobody has reached: the witness's newest block is as late and lower.
    @Test func aMadeUpFutureIsFoundOut() throws {
        let chain = try Self.chain(heights: 60)
        var fork = try Self.chain(heights: 59).forked(at: 59) { $0.stateRoot = .zero }
        fork = try LightChain(crowd: Self.crowd, members: Array(repeating: Self.nine, count: 65))
        let hurried = try fork.forked(at: 64) { $0.time = chain.header(60).time }
        let network = try Self.update(primary: hurried, witnesses: chain)
        let evidence = try #require(network.evidence)
        #expect(evidence.count == 1 && evidence[0].conflicting.header == hurried.header(64))
        #expect(try Self.verdict(on: evidence[0], by: chain) == Self.keys(Self.nine))
        // With a time after all of the chain's it may be true: the witnesses are behind.
        let patient = try Self.update(primary: fork, witnesses: chain)
        #expect(patient.evidence == nil && patient.failure?.name == "unconfirmed")
    }

    /// Fooled once, with every peer on the fork; then an honest one comes.
    @Test func aTrustedForkIsFoundOutLater() throws {
        let chain = try Self.chain()
        let fork = try chain.forked(at: 40) { $0.stateRoot = .zero }
        var network = LightNetwork(chain.checkpoint, peers: [fork.answer, fork.answer, fork.answer])
        try network.update(now: chain.now)
        #expect(network.verified?.header == fork.header(64))
        for number in 0..<3 { _ = network.client.handle(.left(LightNetwork.key(number)), now: chain.now) }
        for number in 3..<6 { network.join(number, answering: chain.answer) }
        try network.update(now: chain.now)
        let evidence = try #require(network.evidence?.first)
        #expect(evidence.conflicting.header == fork.header(64))
        #expect(try Self.verdict(on: evidence, by: chain) == Self.keys(Array(0..<8)))
    }

    @Test func evidenceThatProvesNothingIsRefused() throws {
        let chain = try Self.chain(heights: 10)
        let fork = try chain.forked(at: 10) { $0.stateRoot = .zero }
        let good = LightAttackEvidence(conflicting: try fork.block(10), commonHeight: 4)
        #expect(!(try Self.verdict(on: good, by: chain)).isEmpty)
        func refuse(_ change: (inout LightAttackEvidence) throws -> Void, _ comment: Comment) throws {
            var evidence = good
            try change(&evidence)
            #expect(throws: ConsensusError.self, comment) {
                try evidence.verify(common: chain.block(4), trusted: chain.block(10), chainID: Voters.chainID)
            }
        }
        try refuse({ $0.commonHeight = 5 }, "another common height than the block's")
        try refuse({ $0.commonHeight = 11 }, "a common height above the block")
        try refuse({ $0.conflicting = try chain.block(10) }, "the chain's own block")
        try refuse({ $0.conflicting = try chain.block(9) }, "another height")
        try refuse({ $0.conflicting.commit.signatures[0] = Signature() }, "a false signature")
        try refuse({ $0.conflicting.header.stateRoot = $0.conflicting.id }, "a header that nobody signed")
        try refuse(
            { evidence in
                var header = evidence.conflicting.header
                header.delegateSet = try Self.crowd.set([9, 10, 11]).hash
                evidence.conflicting = try Self.crowd.certify(header, members: [9, 10, 11], signers: [9, 10, 11])
            }, "strangers who certify each other")
        try refuse(
            { evidence in
                let members = [0, 1, 2] + Array(9..<11)
                var header = evidence.conflicting.header
                header.delegateSet = try Self.crowd.set(members).hash
                evidence.conflicting = try Self.crowd.certify(header, members: members, signers: members)
            }, "exactly a third of the common power")
        #expect(throws: ConsensusError.self, "another chain") {
            try good.verify(common: chain.block(4), trusted: chain.block(10), chainID: .zero)
        }
        let longer = LightAttackEvidence(conflicting: try Self.chain(heights: 11).block(11), commonHeight: 4)
        #expect(throws: ConsensusError.self, "a height that the chain has yet to reach") {
            try Self.verdict(on: longer, by: chain)
        }
        let double = try chain.forked(at: 10) { $0.transactionRoot = $0.id }
        let lower = LightAttackEvidence(conflicting: try double.block(10), commonHeight: 4)
        #expect(throws: ConsensusError.self, "one double vote has one common height") { try Self.verdict(on: lower, by: chain) }
        let same = LightAttackEvidence(conflicting: good.conflicting, commonHeight: 10)
        #expect(throws: ConsensusError.self, "a made-up state at the common height itself") {
            try same.verify(common: chain.block(10), trusted: chain.block(10), chainID: Voters.chainID)
        }
    }
}
