import Consensus
import Primitives
import SimulatedHAL
import Synchronization
import Testing

/// Whatever is answered: nothing is trusted that is not on the chain.
@Suite struct LightHostileTests {
    static let crowd = Crowd(powers: Array(repeating: 1, count: 24))
    static let heights = 48

    /// Seven delegates, one replaced every fifth height. The hostile ones are two of each set: under a third.
    static func isHostile(_ delegate: Int) -> Bool { delegate % 7 < 2 }

    static let honest: LightChain = {
        do { return try LightChain(crowd: crowd, heights: heights, seats: 7, replacingEvery: 5) } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// Signed once for all.
    static let blocks: [LightBlock] = {
        do { return try (1...honest.height).map(honest.block) } catch { preconditionFailure("\(error)") }
    }()

    static func block(_ height: UInt64) -> LightBlock { blocks[Int(height) - 1] }

    @Sendable static func answer(_ height: UInt64?) -> LightClient.Answer {
        let height = height ?? honest.height
        return (1...honest.height).contains(height) ? .block(block(height)) : .none
    }

    struct Liar: Sendable {
        var random: SplitMix64
        let now: BlockTime
        let fork: LightChain
        let foreign: LightChain

        init(seed: UInt64) throws {
            random = SplitMix64(seed: seed)
            let chain = LightHostileTests.honest
            now = chain.now
            let height = UInt64(random.number(2...LightHostileTests.heights))
            var fork = try chain.forked(at: height) { $0.stateRoot = .zero }
            fork.signers = { at, members in at < height ? members : members.filter(LightHostileTests.isHostile) }
            self.fork = fork
            foreign = try LightChain(
                crowd: Crowd(powers: Array(repeating: 1, count: 4), seed: seed + 100), heights: LightHostileTests.heights,
                members: [0, 1, 2, 3])
        }

        mutating func answer(_ height: UInt64?) throws -> LightClient.Answer {
            let chain = LightHostileTests.honest
            let wanted = min(max(height ?? chain.height, 1), chain.height)
            switch random.number(0...9) {
            case 0: return .silence
            case 1: return .none
            case 2: return try foreign.answer(wanted)
            case 3: return .block(random.pick(LightHostileTests.blocks))
            case 4: return .block(mutated(LightHostileTests.block(wanted)))
            case 5: return .block(bitFlipped(LightHostileTests.block(wanted)))
            case 6: return .block(try forged(wanted))
            case 7: return try fork.answer(wanted)
            default: return LightHostileTests.answer(height)
            }
        }

        /// A field changed, and the commit's block with it or not.
        private mutating func mutated(_ honest: LightBlock) -> LightBlock {
            var block = honest
            let changes: [(inout LightBlock) -> Void] = [
                { $0.header.time += 1 }, { $0.header.time = .max }, { $0.header.height = .max }, { $0.header.stateRoot = .zero },
                { $0.header.nextDelegateSet = .zero }, { $0.header.version = 9 }, { $0.commit.signers = .max },
                { $0.commit.signatures = [] }, { $0.commit.round = .max }, { $0.commit.height = 0 },
                { $0.delegates = DelegateSet() }, { $0.header.chainID = .zero },
            ]
            random.pick(changes)(&block)
            if (try? block.header.encoded()) != nil, random.chance(1, in: 2) { block.commit.block = block.id }
            return block
        }

        /// Whatever still decodes.
        private mutating func bitFlipped(_ honest: LightBlock) -> LightBlock {
            var bytes = honest.canonicalBytes
            let bit = random.number(0...bytes.count * 8 - 1)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            return (try? LightBlock(canonicalBytes: bytes)) ?? honest  // no block: the caller would say `silence`
        }

        /// A set of its own making, certified by all of it; one of the true delegates may be in it.
        private mutating func forged(_ height: UInt64) throws -> LightBlock {
            let chain = LightHostileTests.honest
            let members = chain.members(height).filter(LightHostileTests.isHostile) + (random.chance(1, in: 2) ? [23] : [])
            var header = chain.header(height)
            header.delegateSet = try LightHostileTests.crowd.set(members).hash
            if random.chance(1, in: 2) { header.nextDelegateSet = header.delegateSet }
            return try LightHostileTests.crowd.certify(header, members: members, signers: members)
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func nothingIsTrustedThatIsNotOnTheChain(seed: UInt64) throws {
        let chain = Self.honest
        var network = LightNetwork(chain.checkpoint, peers: [])
        // Liars first, so that they are the primaries; the honest ones are enough to get there.
        let liars = try (0..<4 as Range<UInt64>).map { Box(try Liar(seed: seed * 8 + $0)) }
        for (number, liar) in liars.enumerated() { network.join(number) { try liar.answer($0) } }
        for number in 4..<7 { network.join(number, answering: Self.answer) }
        let honest = Set((4..<7).map(LightNetwork.key))
        for target in [LightClient.Target.height(24), .newest, .height(12), .newest] {
            try network.update(target, now: chain.now)
            #expect(network.questions.count <= LightClient.questionLimit)
            #expect(network.evidence == nil && honest.isDisjoint(with: network.dropped))
            for deed in network.deeds {
                switch deed {
                case .keep(let block), .verified(let block): #expect(block.header == chain.header(block.height))
                default: break
                }
            }
            if case .height(let height) = target { #expect(network.verified?.height == height) }
        }
        #expect(network.verified != nil, "\(network.deeds)")
    }

    /// Liars alone, for ever: the questions end.
    @Test(arguments: 0..<6 as Range<UInt64>) func questionsEnd(seed: UInt64) throws {
        var network = LightNetwork(Self.honest.checkpoint, peers: [])
        for number in 0..<LightClient.peerLimit {
            let liar = Box(try Liar(seed: seed * 32 + UInt64(number)))
            network.join(number) { try liar.answer($0) }
        }
        for _ in 0..<4 {
            try network.update(now: Self.honest.now)
            #expect(network.questions.count <= LightClient.questionLimit)
            for deed in network.deeds {
                if case .keep(let block) = deed { #expect(block.header == Self.honest.header(block.height)) }
            }
        }
    }

    /// A liar that certifies itself can make the client halve its way down, but not further.
    @Test func strangersCostAsManyQuestionsAsTheHeightHasBits() throws {
        let strangers = Crowd(powers: [1], seed: 9)
        let first = try LightChain(crowd: LightClientTests.four, heights: 1, members: [0, 1, 2, 3])
        var network = LightNetwork(
            first.checkpoint,
            peers: [
                { height in
                    if height == 1 { return .block(try first.block(1)) }
                    var header = first.header(1)
                    header.height = height ?? .max
                    header.time += 1
                    header.delegateSet = try strangers.set([0]).hash
                    return .block(try strangers.certify(header, members: [0], signers: [0]))
                }
            ])
        try network.update(now: first.now)
        #expect(network.verified == nil && network.questions.count <= 67 && network.questions.count > 60)
        #expect(network.dropped == [LightNetwork.key(0)])
    }

    @Test func typesAreReadAsTheyAreWritten() throws {
        let block = Self.block(7)
        #expect(try LightBlock(canonicalBytes: block.canonicalBytes) == block)
        #expect(try Checkpoint(canonicalBytes: Self.honest.checkpoint.canonicalBytes) == Self.honest.checkpoint)
        let evidence = LightAttackEvidence(conflicting: block, commonHeight: 3)
        #expect(try LightAttackEvidence(canonicalBytes: evidence.canonicalBytes) == evidence)
        #expect(evidence.hash != LightAttackEvidence(conflicting: block, commonHeight: 4).hash)
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func changedBytesAreAnotherValueOrNone(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = LightAttackEvidence(conflicting: Self.block(7), commonHeight: 3).canonicalBytes
        for _ in 0..<200 {
            var changed = bytes
            switch random.number(0...2) {
            case 0: changed[random.number(0...bytes.count - 1)] ^= UInt8(random.number(1...255))
            case 1: changed.removeLast(random.number(1...bytes.count))
            default: changed.insert(UInt8(random.number(0...255)), at: random.number(0...bytes.count))
            }
            // Reading may refuse; what it takes is written as it was read, and never convinces.
            guard let read = try? LightAttackEvidence(canonicalBytes: changed) else { continue }
            #expect(read.canonicalBytes == changed)
            if read.conflicting != Self.block(7) {
                #expect(throws: ConsensusError.self) { try read.conflicting.check(chainID: Voters.chainID) }
            }
        }
    }

    /// A generator that closures share.
    final class Box: Sendable {
        private let liar: Mutex<Liar>
        init(_ liar: Liar) { self.liar = Mutex(liar) }
        func answer(_ height: UInt64?) throws -> LightClient.Answer { try liar.withLock { try $0.answer(height) } }
    }
}
