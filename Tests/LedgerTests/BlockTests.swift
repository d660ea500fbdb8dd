import Consensus
import Ledger
import Primitives
import Testing

@Suite struct BlockTests {
    /// Two blocks on, so that there is a parent with receipts and a commit.
    private func begun() throws -> Chain {
        var chain = try Chain()
        try chain.run(.transfer(Transfer(to: chain.names[5], amount: .qlc(1))), by: 4)
        try chain.run(.transfer(Transfer(to: chain.names[6], amount: .qlc(1))), by: 4)
        return chain
    }

    @Test func whatIsBuiltIsExecutedToTheSameOnARestoredStateToo() throws {
        var (chain, other) = (try begun(), try begun().restored())
        for round in UInt64(1)...5 {
            let all = (0..<4).map { chain.sign(.transfer(Transfer(to: chain.names[$0], amount: .qlc(round))), by: 4 + $0) }
            let (block, outcome) = try chain.build(all)
            let again = try chain.state.execute(block, all), elsewhere = try other.execute(block, all)
            #expect(again.agrees(with: outcome) && elsewhere.agrees(with: outcome))
            chain.state.apply(outcome)
            other.apply(elsewhere)
            #expect(chain.state.root == other.root && chain.state.rotation == other.rotation)
            #expect(try chain.restored().root == other.root)
        }
        #expect(try Block(canonicalBytes: chain.build([]).block.canonicalBytes) == chain.build([]).block)
    }

    static let fields: [(String, @Sendable (inout Header) -> Void)] = [
        ("version", { $0.version = 2 }), ("chain", { $0.chainID = .zero }), ("height", { $0.height += 1 }),
        ("time", { $0.time = Chain.start + 2 * Chain.second }), ("time", { $0.time = 0 }), ("parent", { $0.parent = .zero }),
        ("state root", { $0.stateRoot = .zero }), ("receipts root", { $0.receiptsRoot = .zero }),
        ("delegate set", { $0.delegateSet = .zero }), ("next delegate set", { $0.nextDelegateSet = .zero }),
        ("parameters", { $0.parameters = .zero }),
        ("public-chain anchor", { $0.publicChainAnchor = Bytes32(words: (1, 0, 0, 0)) }),
        ("proposer", { $0.proposer = PublicKey() }),
    ]

    @Test(arguments: fields.indices) func everyFieldOfAHeaderFollowsFromTheState(index: Int) throws {
        let (field, change) = Self.fields[index]
        let chain = try begun()
        var (block, _) = try chain.build([])
        _ = try chain.state.execute(block, [])
        change(&block.header)
        #expect(throws: LedgerError.headerWrong(field: field)) { try chain.state.execute(block, []) }
    }

    @Test func aBodyIsTheOneThatTheHeaderPromises() throws {
        let chain = try begun()
        let transaction = chain.sign(.transfer(Transfer(to: chain.names[5], amount: .qlc(1))), by: 4)
        let (block, _) = try chain.build([transaction])
        let unsealed = LedgerError.blockInvalid("its body is not the one that the header promises")
        for change: (inout Block) -> Void in [
            { $0.header.lastCommit = .zero }, { $0.header.transactionRoot = .zero }, { $0.header.evidenceRoot = .zero },
            { $0.transactions = [] }, { $0.transactions += $0.transactions }, { $0.lastCommit = nil },
            { $0.evidence.append(DoubleVote()) },
        ] {
            var changed = block
            change(&changed)
            #expect(throws: unsealed) { try chain.state.execute(changed, [transaction]) }
        }
        let other = chain.sign(.transfer(Transfer(to: chain.names[5], amount: .qlc(2))), by: 4)
        let mixed = LedgerError.blockInvalid("its transactions are not the ones that were checked")
        for checked in [[], [other], [transaction, transaction]] {
            #expect(throws: mixed) { try chain.state.execute(block, checked) }
        }
    }

    @Test func aCommitIsOfTheParentByMoreThanTwoThirds() throws {
        let chain = try begun()
        let good = try #require(chain.commit())
        let signers = chain.state.epoch.current.delegates.map(\.key)
        var forged = good
        forged.signatures.swapAt(0, 1)
        var (otherHeight, otherBlock, otherRound) = (good, good, good)
        otherHeight.height -= 1
        otherBlock.block = .zero
        otherRound.round += 1
        for commit in [nil, chain.commit(missing: [signers[0], signers[1]]), forged, otherHeight, otherBlock, otherRound] {
            var (block, _) = try chain.build([])
            block.lastCommit = commit
            block.seal()
            #expect { try chain.state.execute(block, []) } throws: { error in
                if case LedgerError.blockInvalid = error { true } else { false }
            }
        }
        var (block, outcome) = try chain.build([])
        block.lastCommit = chain.commit(missing: [signers[2]])
        block.seal()
        #expect(try !chain.state.execute(block, []).agrees(with: outcome), "who is missing is noted")
        // One that was verified before is not verified again; another one is.
        block.lastCommit = forged
        block.seal()
        _ = try chain.state.execute(block, [], knownCommit: forged)
        #expect(throws: LedgerError.self) { try chain.state.execute(block, [], knownCommit: good) }
    }

    @Test func theFirstBlockHasNoCommit() throws {
        var chain = try Chain()
        var (block, _) = try chain.build([])
        #expect(block.lastCommit == nil)
        _ = try chain.state.execute(block, [])
        let later = try begun().commit()
        block.lastCommit = later
        block.seal()
        #expect(throws: LedgerError.blockInvalid("the first block has no commit before it")) {
            try chain.state.execute(block, [])
        }
        try chain.add()
    }

    @Test func nobodyIsAccusedTwiceOrFalsely() throws {
        let chain = try begun()
        let proof = try chain.doubleVote(of: 0)
        var forged = proof
        forged.voter = chain.names[1]
        for evidence in [
            [proof, proof], [proof, try chain.doubleVote(of: 0, height: 2)], [forged],
            [try chain.doubleVote(of: 0, chainID: .zero)],
            [try chain.doubleVote(of: 5)],
        ] {
            var (block, _) = try chain.build([])
            block.evidence = evidence
            block.seal()
            #expect { try chain.state.execute(block, []) } throws: { error in
                if case LedgerError.evidence = error { true } else { false }
            }
        }
        var (block, _) = try chain.build([])
        block.evidence = [proof, try chain.doubleVote(of: 1)]
        block.seal()
        _ = try chain.state.execute(block, [])
    }

    /// Ten places: eight for anybody, all of them for what is urgent.
    @Test func aFifthOfABlockIsKeptForUrgentKinds() throws {
        let chain = try Chain([.blockTransactions: 10])
        let spam = (0..<20).map { chain.sign(.transfer(Transfer(to: chain.names[5], amount: .qlc(1))), by: 4, ahead: UInt64($0)) }
        let urgent = (0..<20).map { chain.sign(.registerAsset(RegisterAsset(chain.facts("\($0)"))), by: 6, ahead: UInt64($0)) }
        let (block, _) = try chain.build(spam + urgent)
        #expect(block.transactions == (spam.prefix(8) + urgent.prefix(2)).map(\.bytes))
        #expect(try chain.build(urgent + spam).block.transactions == urgent.prefix(10).map(\.bytes))
        var full = block
        full.transactions = spam.prefix(9).map(\.bytes)
        full.seal()
        #expect(throws: LedgerError.blockInvalid("it is larger than a block may be")) {
            try chain.state.execute(full, Array(spam.prefix(9)))
        }
    }

    @Test func aFifthOfItsBytesToo() throws {
        let chain = try Chain([.blockBytes: 1 << 16])
        let tariffs = (0..<20).map { number in
            chain.sign(
                .publishTariff(PublishTariff([UInt8](repeating: UInt8(number), count: 4_000))), by: 4, ahead: UInt64(number))
        }
        let size = tariffs[0].bytes.count
        let urgent = chain.sign(.registerAsset(RegisterAsset(chain.facts("x"))), by: 6)
        let (block, _) = try chain.build(tariffs + [urgent])
        #expect(block.transactions.count == (1 << 16) / 100 * 80 / size + 1)
        #expect(block.transactions.last == urgent.bytes)
    }

    @Test func aBlockIsLaterThanItsParent() throws {
        let chain = try begun()
        let block = try chain.state.build(from: [], lastCommit: chain.commit(), proposer: chain.proposer, at: 0).block
        #expect(block.header.time == chain.state.head.time + 1)
        _ = try chain.state.execute(block, [])
    }
}
