import Consensus
import Primitives
import SimulatedHAL
import Testing

@Suite struct LightClientTests {
    static let four = Crowd(powers: [1, 1, 1, 1])

    /// Honest peers of one chain, each on a network of its own.
    static func network(_ chain: LightChain, peers: Int = 3) -> LightNetwork {
        LightNetwork(chain.checkpoint, peers: Array(repeating: chain.answer, count: peers))
    }

    // MARK: To the newest header

    @Test func theNewestHeaderIsVerifiedAndConfirmed() throws {
        let chain = try LightChain(crowd: Self.four, heights: 500, members: [0, 1, 2, 3])
        var network = Self.network(chain)
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(500))
        // The checkpoint and the newest; then two others for the newest alone.
        #expect(network.questions(to: 0) == [1, nil] && network.questions(to: 1) == [500] && network.questions(to: 2) == [500])
        #expect(network.client.trusted.map(\.height) == [1, 500])
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(500) && network.questions.count == 1, "there is nothing new")
    }

    /// Twelve delegates, one of them replaced every 150 heights: the last set has none of the first.
    @Test func bisectionAsksForFewBlocks() throws {
        let crowd = Crowd(powers: Array(repeating: 1, count: 26))
        let chain = try LightChain(crowd: crowd, heights: 2000, seats: 12, replacingEvery: 150)
        #expect(Set(chain.members(2000)).isDisjoint(with: chain.members(1)))
        var network = Self.network(chain)
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(2000))
        let heights = network.questions(to: 0).compactMap(\.self)
        #expect(heights.count >= 2, "trust does not reach that far at once")
        #expect(heights.count <= 11, "the binary logarithm of 2000: \(heights)")
        #expect(Set(heights).count == heights.count, "nothing is asked for twice")
    }

    /// Every height has wholly new delegates: only the next header can follow.
    @Test func withNewDelegatesAtEachHeightEveryBlockIsAskedForOnce() throws {
        let crowd = Crowd(powers: Array(repeating: 1, count: 68))
        let chain = try LightChain(crowd: crowd, members: (0...32).map { [2 * $0, 2 * $0 + 1] })
        var network = Self.network(chain)
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(32))
        #expect(network.questions(to: 0).count <= 32)
    }

    /// CometBFT's light/client_test.go, TestClient_SkippingVerification: three heights, the last one wanted.
    @Test(
        arguments: [
            ("the same set", [0, 1, 2, 3], [0, 1, 2, 3], true),
            ("a third of the old set is still there", [0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6], true),
            ("all replaced at height 3", [0, 1, 2, 3], [4, 5, 6, 7], true),
            ("all replaced, and nobody signed between", [], [4, 5, 6, 7], false),
        ]) func skipping(name: String, interim: [Int], last: [Int], isVerified: Bool) throws
    {
        let crowd = Crowd(powers: Array(repeating: 1, count: 8))
        var chain = try LightChain(crowd: crowd, members: [[0, 1, 2, 3], [0, 1, 2, 3], last, last])
        chain.signers = { height, members in height == 2 ? interim : members }
        var network = Self.network(chain)
        try network.update(.height(3), now: chain.now)
        #expect((network.verified?.header == chain.header(3)) == isVerified, "\(network.deeds)")
    }

    /// The same file, TestClient_SequentialVerification: what a primary may have wrong from the start.
    @Test(arguments: ["different first header", "no first header", "different first set", "a third signed"])
    func aBadPrimaryLeadsNowhere(flaw: String) throws {
        let chain = try LightChain(crowd: Self.four, heights: 3, members: [0, 1, 2, 3])
        let other = try chain.forked(at: 1) { $0.time += 1 }
        let bad: LightNetwork.Peer = { height in
            guard case .block(var block) = try chain.answer(height) else { return .none }
            switch flaw {
            case "different first header": return try other.answer(height)
            case "no first header": return height == 1 ? .none : .block(block)
            case "different first set": block.delegates = try Crowd(powers: [1, 1, 1, 1], seed: 2).set([0, 1, 2, 3])
            default:
                block = try Self.four.certify(block.header, members: [0, 1, 2, 3], signers: block.height == 1 ? [0, 1, 2] : [3])
            }
            return .block(block)
        }
        var network = LightNetwork(chain.checkpoint, peers: [bad, bad, bad])
        try network.update(.height(2), now: chain.now)
        #expect(network.verified == nil && network.failure?.name == "unconfirmed")
        #expect(network.client.peers.isEmpty == (flaw != "no first header"), "who lies is dropped, who has nothing is not")
        // With honest ones behind it the update finds its way.
        network = LightNetwork(chain.checkpoint, peers: [bad, chain.answer, chain.answer, chain.answer])
        try network.update(.height(2), now: chain.now)
        #expect(network.verified?.header == chain.header(2))
        #expect(network.client.peers.first?.key != LightNetwork.key(0))
    }

    // MARK: To other heights

    @Test func belowTheTrustedHeaderHashesLeadDown() throws {
        let chain = try LightChain(crowd: Self.four, heights: 60, members: [0, 1, 2, 3])
        var network = LightNetwork(Checkpoint(height: 50, header: chain.header(50).id), peers: [chain.answer])
        try network.update(.height(45), now: chain.now)
        #expect(network.verified?.header == chain.header(45))
        #expect(network.questions(to: 0) == [50, 49, 48, 47, 46, 45])
        #expect(network.client.trusted.map(\.height) == [50], "it is no start for anything")
        // A certified block of another chain is no parent.
        let fork = try chain.forked(at: 47) { $0.transactionRoot = $0.id }
        let mixed: LightNetwork.Peer = { $0 == 50 ? try chain.answer(50) : try fork.answer($0) }
        network = LightNetwork(Checkpoint(height: 50, header: chain.header(50).id), peers: [mixed, chain.answer])
        try network.update(.height(45), now: chain.now)
        #expect(network.verified?.header == chain.header(45) && network.dropped == [LightNetwork.key(0)])
    }

    @Test func betweenTrustedHeadersItGoesUpFromTheLower() throws {
        let chain = try LightChain(crowd: Self.four, heights: 60, members: [0, 1, 2, 3])
        var network = Self.network(chain)
        try network.update(now: chain.now)
        try network.update(.height(30), now: chain.now)
        #expect(network.verified?.header == chain.header(30))
        #expect(network.client.trusted.map(\.height) == [1, 30, 60])
        try network.update(.height(30), now: chain.now)
        #expect(network.verified?.header == chain.header(30) && network.questions.isEmpty)
    }

    // MARK: Time

    /// After nine days nothing follows from the old header; newer firmware has a newer checkpoint.
    @Test func expiredTrustNeedsANewCheckpoint() throws {
        let chain = try LightChain(crowd: Self.four, heights: 100, members: [0, 1, 2, 3])
        let nineDays: BlockTime = 9 * 86_400_000
        var network = Self.network(chain)
        try network.update(.height(50), now: chain.now)
        let old = network.client.trusted, end = chain.header(50).time + nineDays
        try network.update(now: end - 1)
        #expect(network.verified?.header == chain.header(100))
        for (checkpoint, isVerified) in [
            (chain.checkpoint, false), (Checkpoint(height: 60, header: chain.header(60).id), true),
        ] {
            let client = LightClient(verifier: LightVerifier(chainID: Voters.chainID), trusted: old, checkpoint: checkpoint)
            var later = LightNetwork(client: client)
            for number in 0..<3 { later.join(number, answering: chain.answer) }
            try later.update(now: end)
            #expect((later.verified?.header == chain.header(100)) == isVerified)
            #expect(later.failure?.name == (isVerified ? nil : "trustExpired"))
            #expect(later.dropped.isEmpty, "nobody is to blame")
        }
    }

    /// A board whose clock is behind finds every header in the future: its peers did not lie.
    @Test func aSlowClockDropsNobody() throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        var network = Self.network(chain)
        try network.update(now: chain.header(5).time)
        #expect(network.verified == nil && network.failure?.name == "unconfirmed" && network.dropped.isEmpty)
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(10))
    }

    // MARK: Peers

    @Test(arguments: [LightClient.Answer.silence, .none]) func aPrimaryWithoutAnswersIsReplacedByAWitness(
        answer: LightClient.Answer
    ) throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        var network = LightNetwork(chain.checkpoint, peers: [{ _ in answer }, chain.answer, chain.answer, chain.answer])
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(10) && network.dropped.isEmpty)
        #expect(network.client.peers.map(\.key) == [1, 2, 3, 0].map(LightNetwork.key))
    }

    @Test func aBlockOfAnotherHeightIsALie() throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        let deaf: LightNetwork.Peer = { try chain.answer($0 == 1 ? 1 : 7) }
        var network = LightNetwork(chain.checkpoint, peers: [deaf, chain.answer, chain.answer, chain.answer])
        try network.update(.height(5), now: chain.now)
        #expect(network.verified?.header == chain.header(5) && network.dropped == [LightNetwork.key(0)])
        network = LightNetwork(chain.checkpoint, peers: [chain.answer, deaf, chain.answer, chain.answer])
        try network.update(.height(5), now: chain.now)
        #expect(network.verified?.header == chain.header(5) && network.dropped == [LightNetwork.key(1)])
    }

    /// A primary that says that there is nothing new holds the board up for one update.
    @Test func whoKeepsBackWhatIsNewIsNotAskedFirstAgain() throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        let old: LightNetwork.Peer = { height in try chain.answer(height ?? 5) }
        var network = LightNetwork(chain.checkpoint, peers: [old, chain.answer, chain.answer, chain.answer])
        try network.update(.height(5), now: chain.now)
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(5))
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(10))
    }

    @Test(
        arguments: [
            ([0, 1, 2], true), ([0, 1, 1], false), ([0, 0, 1], false), ([0, 0, 1, 2], true), ([0, 1], false), ([0], false),
            ([0, 1, 1, 1, 2], true),
        ] as [([UInt64], Bool)]) func twoWitnessesOfOtherNetworksHaveToAgree(networks: [UInt64], isVerified: Bool) throws
    {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        var network = LightNetwork(chain.checkpoint, peers: [])
        for (number, place) in networks.enumerated() { network.join(number, network: place, answering: chain.answer) }
        try network.update(now: chain.now)
        #expect((network.verified != nil) == isVerified)
        #expect(network.client.trusted.contains { $0.height == 10 } == isVerified, "what is not confirmed is not kept")
    }

    @Test func aWitnessThatIsBehindDoesNotCount() throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        let behind = try LightChain(crowd: Self.four, heights: 9, members: [0, 1, 2, 3])
        var network = LightNetwork(chain.checkpoint, peers: [chain.answer, behind.answer, chain.answer])
        try network.update(now: chain.now)
        #expect(network.verified == nil && network.failure?.name == "unconfirmed" && network.dropped.isEmpty)
        network.join(3, answering: chain.answer)
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(10))
    }

    @Test func aWitnessThatLiesWithoutACertificateIsDropped() throws {
        let chain = try LightChain(crowd: Self.four, heights: 40, members: [0, 1, 2, 3])
        var forged = try chain.forked(at: 20) { $0.stateRoot = .zero }
        forged.signers = { height, members in height < 20 ? members : [0, 1] }
        var network = LightNetwork(chain.checkpoint, peers: [chain.answer, forged.answer, chain.answer, chain.answer])
        try network.update(now: chain.now)
        #expect(network.verified?.header == chain.header(40))
        #expect(network.dropped == [LightNetwork.key(1)] && network.client.fork == nil)
    }

    @Test func whoLeavesIsNotWaitedFor() throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        var network = Self.network(chain)
        #expect(network.client.handle(.update(.newest), now: chain.now) == [.ask(LightNetwork.key(0), height: 1)])
        let next = network.client.handle(.left(LightNetwork.key(0)), now: chain.now)
        #expect(next == [.ask(LightNetwork.key(1), height: 1)])
        #expect(network.client.handle(.left(LightNetwork.key(2)), now: chain.now).isEmpty)
    }

    @Test func answersToNoQuestionAreIgnored() throws {
        let chain = try LightChain(crowd: Self.four, heights: 10, members: [0, 1, 2, 3])
        var network = Self.network(chain)
        let block = LightClient.Answer.block(try chain.block(1))
        let asked = LightNetwork.key(0)
        #expect(network.client.handle(.answered(asked, height: 1, block), now: chain.now).isEmpty)
        _ = network.client.handle(.update(.newest), now: chain.now)
        #expect(network.client.handle(.update(.height(3)), now: chain.now).isEmpty, "one at a time")
        #expect(network.client.handle(.answered(LightNetwork.key(1), height: 1, block), now: chain.now).isEmpty)
        #expect(network.client.handle(.answered(asked, height: nil, block), now: chain.now).isEmpty)
        #expect(network.client.handle(.answered(asked, height: 1, block), now: chain.now).contains(.ask(asked, height: nil)))
        #expect(network.client.handle(.answered(asked, height: 1, block), now: chain.now).isEmpty, "it was answered")
    }

    // MARK: Limits

    /// Wholly new delegates at every height, further than a trace may reach: each peer is left at the limit of a trace, and the update
    /// at that of its questions.
    @Test func anUpdateEndsAtItsLimitOfQuestions() throws {
        let heights = 900
        let crowd = Crowd(powers: Array(repeating: 1, count: heights + 1))
        let chain = try LightChain(crowd: crowd, members: (0...heights).map { [$0] })
        let blocks = try (1...chain.height).map(chain.block)
        let answer: LightNetwork.Peer = { .block(blocks[Int($0 ?? UInt64(heights)) - 1]) }
        var network = LightNetwork(chain.checkpoint, peers: Array(repeating: answer, count: 5))
        try network.update(now: chain.now)
        #expect(network.questions.count == LightClient.questionLimit)
        #expect(network.failure?.name == "unconfirmed" && network.dropped.isEmpty)
        #expect((600...720).contains(network.questions(to: 0).count))
        try network.update(.height(100), now: chain.now)
        #expect(network.verified?.header == chain.header(100), "an update to a height between leads on")
    }

    @Test func theOldestTrustedBlocksAreForgotten() throws {
        let chain = try LightChain(crowd: Self.four, heights: 200, members: [0, 1, 2, 3])
        var network = Self.network(chain)
        var kept: Set<UInt64> = []
        for height in stride(from: 2, through: 200, by: 2) as StrideThrough<UInt64> {
            try network.update(.height(height), now: chain.now)
            for deed in network.deeds {
                if case .keep(let block) = deed { kept.insert(block.height) }
                if case .forget(let height) = deed { #expect(kept.remove(height) != nil) }
            }
        }
        #expect(network.client.trusted.map(\.height) == kept.sorted() && kept.count == LightClient.trustedLimit)
        #expect(kept.max() == 200)
        let again = LightClient(
            verifier: network.client.verifier, trusted: network.client.trusted.reversed(), checkpoint: chain.checkpoint)
        #expect(again.trusted == network.client.trusted)
    }

    @Test func peersAreBounded() throws {
        let chain = try LightChain(crowd: Self.four, heights: 1, members: [0, 1, 2, 3])
        var network = Self.network(chain, peers: 40)
        #expect(network.client.peers.count == LightClient.peerLimit)
        network.join(0, answering: chain.answer)
        #expect(network.client.peers.count == LightClient.peerLimit)
    }
}
