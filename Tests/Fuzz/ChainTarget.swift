import Consensus
import KeyBackup
import Ledger
import Node
import Primitives

/// What comes from peers and wallets, and what lies on the disk.
extension FuzzTarget {
    /// Whatever is read is written back as the very same bytes, and what is checked of it never traps.
    static let chain = FuzzTarget(name: "chain") { bytes in
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        if let kind = ChainMessage.Kind(rawValue: first) {
            guard let message = try? ChainMessage(kind, rest) else { return }
            check(message.bytes == rest && rest.count <= kind.limit, "\(kind) has two forms")
            examine(message)
        } else {
            chainTypes[Int(first) % chainTypes.count](rest)
        }
    }

    private static func examine(_ message: ChainMessage) {
        switch message {
        case .vote(let ballot): _ = ballot.verified()
        case .accusation(let proof): _ = try? proof.verify(chainID: .zero)
        case .proposal(let proposed): _ = proposed.block.isSealed
        case .blocks(let blocks): for certified in blocks.blocks { _ = certified.block.isSealed }
        case .transaction(let transaction): _ = try? CheckedTransaction(transaction.bytes, on: .zero)
        case .lightBlock(let reply):
            guard let block = reply.block else { break }
            _ = try? block.commit.verify(chainID: block.header.chainID, by: block.delegates)
        case .chunk(let reply): read(reply.bytes)
        default: break
        }
    }

    /// As a newcomer reads the only chunk of a snapshot.
    private static func read(_ chunk: [UInt8]) {
        let manifest = SnapshotManifest(
            height: 1, root: .zero, bytes: UInt64(chunk.count), chunks: [SnapshotManifest.hash(of: chunk)])
        var reader = SnapshotReader(manifest)
        try? reader.take(chunk)
    }

    private static let chainTypes: [@Sendable ([UInt8]) -> Void] = [
        { same(Signed<Transaction>.self, $0) }, { same(StateEntry.self, $0) }, { same(StateKey.self, $0) },
        { same(Receipt.self, $0) }, { same(LightBlock.self, $0) }, { same(LightAttackEvidence.self, $0) },
        { same(SigningState.self, $0) }, { same(LedgerState.Head.self, $0) },
        { bytes in
            same(StateProof.self, bytes)
            _ = try? (try? StateProof(canonicalBytes: bytes))?.value(at: .zero, under: .zero)
        },
        { bytes in
            same(Genesis.self, bytes)
            _ = try? (try? Genesis(canonicalBytes: bytes))?.state()
        },
        { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            if let backup = try? KeyBackup(text: text) { check(backup.text == text, "a backup has two forms") }
            if let address = try? Address(text, on: .main) {
                check(address.description == text.lowercased(), "an address has two forms")
            }
            _ = try? Mnemonic(text)
        },
    ]
}

extension Seeds {
    /// A small chain's messages and what its state consists of; the first byte chooses, as in the target.
    static func chain() throws -> [[UInt8]] {
        let key = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let genesis = Genesis(
            name: "fuzz", time: 1, allocations: [.init(key.publicKey, QLC.supply - stake)],
            delegates: [.init(key.publicKey, stake: stake)])
        let state = try genesis.state()
        let transfer = CheckedTransaction(
            signing: Transaction(
                chainID: state.chainID, sender: key.publicKey, sequence: 0, fee: QLC(units: 1_000_000), validUntil: 9_000,
                payload: .transfer(Transfer(to: key.publicKey, amount: QLC(units: 5)))), by: key)
        let (block, outcome) = try state.build(from: [transfer], lastCommit: nil, proposer: key.publicKey, at: 5_000)
        let vote = Vote(chainID: state.chainID, height: 1, round: 0, step: .precommit, block: block.header.id)
        let commit = Commit(of: vote, from: [Verified(signing: vote, by: key)], in: state.epoch.current)
        var other = vote
        other.block = nil
        let proposal = Proposal(chainID: state.chainID, height: 1, round: 0, validRound: nil, block: block.header.id)
        let messages: [ChainMessage] = [
            .status(NodeStatus(height: 1, rounds: RoundSummary(), isAnswer: false)),
            .proposal(ProposedBlock(Signed(proposal, by: key), block)), .vote(Verified(signing: vote, by: key).ballot),
            .accusation(try DoubleVote(Verified(signing: vote, by: key), Verified(signing: other, by: key))),
            .inventory(Names([transfer.id])), .transaction(TransactionBytes(transfer.bytes)),
            .wantsBlocks(BlockRange(from: 1, count: 2)), .blocks(Blocks([CertifiedBlock(block, commit)])),
            .wantsLightBlock(LightQuestion(1)), .wantsSnapshot, .wantsChunk(ChunkName(height: 1, index: 0)),
            .lightBlock(
                LightReply(
                    LightQuestion(1), LightBlock(header: block.header, commit: commit, delegates: state.epoch.current))),
        ]
        let (chunk, manifest) = try snapshot(of: state)
        let offers: [ChainMessage] = [
            .snapshot(SnapshotOffer(manifest)), .chunk(ChunkReply(ChunkName(height: 1, index: 0), chunk)),
        ]
        let values =
            [
                transfer.bytes, outcome.receipts[0].canonicalBytes, state.tree.proof(of: .zero).canonicalBytes,
                genesis.canonicalBytes,
            ]
            + state.all.values.map(\.canonicalBytes)
        return (messages + offers).map { [$0.kind.rawValue] + $0.bytes }
            + values.flatMap { value in (0..<11).map { [UInt8($0)] + value } }
    }

    private static func snapshot(of state: LedgerState) throws -> (chunk: [UInt8], manifest: SnapshotManifest) {
        var builder = SnapshotBuilder(height: 1, state.tree)
        for (key, entry) in state.all.sorted(by: { $0.key.path < $1.key.path }) { _ = try builder.add(key, entry) }
        return try builder.finish()
    }
}
