public import Consensus
public import Ledger
public import Primitives

/// The headers that somebody has verified who asks one node alone: from genesis, a checkpoint or the newest header of the last time.
///
/// One node cannot make up a header: more than two thirds of the delegates would have to sign it. What it can do is keep back newer
/// ones, so whoever shows a balance says of when it is.
public struct LightChain: Sendable {
    public let verifier: LightVerifier
    /// Verified last. At height 0 it is genesis, which has no commit.
    public private(set) var newest: LightBlock

    /// - Throws: `genesisInvalid` if nobody could start a chain from it.
    public init(_ genesis: Genesis) throws(LedgerError) {
        let state = try genesis.state()
        var header = Header()
        (header.chainID, header.time) = (state.chainID, genesis.time)
        (header.delegateSet, header.nextDelegateSet) = (state.epoch.current.hash, state.epoch.current.hash)
        verifier = LightVerifier(chainID: state.chainID)
        newest = LightBlock(
            header: header, commit: Commit(height: 0, round: 0, block: header.id), delegates: state.epoch.current)
    }

    /// - Parameter trusted: what was verified before; nil if it is of another chain.
    public init?(chainID: Bytes32, trusted: LightBlock) {
        guard trusted.header.chainID == chainID, trusted.height > 0 else { return nil }
        (verifier, newest) = (LightVerifier(chainID: chainID), trusted)
    }

    /// Starts from a block that somebody vouched for by its hash, if that is newer.
    mutating func start(at checkpoint: Checkpoint, _ block: LightBlock) throws(ConsensusError) {
        guard block.height == checkpoint.height, block.id == checkpoint.header else {
            throw .headerInvalid("it is not the checkpoint of height \(checkpoint.height)")
        }
        try block.check(chainID: verifier.chainID)
        if block.height > newest.height { newest = block }
    }

    /// Verifies a newer block, by way of those between where trust does not reach as far.
    /// - Parameters:
    ///   - now: of the wallet's own clock.
    ///   - ask: gives the block at a height.
    mutating func follow(
        to target: LightBlock, now: BlockTime, ask: (UInt64) async throws(ChainClientError) -> LightBlock
    ) async throws(LightFailure) {
        if target.height == newest.height, target.height > 0 {
            guard target.id == newest.id else { throw .consensus(.fork(height: target.height, newest.id, target.id)) }
            return
        }
        if target.height == 1, newest.height == 0 { return try start(with: target, now: now) }
        var walk = LightBisection(from: newest, to: target)
        while true {
            switch walk.advance(by: verifier, now: now) {
            case .arrived:
                newest = target
                return
            case .failed(let error): throw .consensus(error)
            case .ask(let height):
                let block: LightBlock
                do { block = try await ask(height) } catch { throw .node(error) }
                guard block.height == height else { throw .consensus(.headerInvalid("it is of another height than was asked")) }
                walk.take(block)
            }
        }
    }

    /// The first block has no parent: its delegates are genesis's own.
    private mutating func start(with first: LightBlock, now: BlockTime) throws(LightFailure) {
        do throws(ConsensusError) {
            try verifier.checkTrust(in: newest, now: now)
            guard first.header.delegateSet == newest.header.nextDelegateSet else {
                throw .headerInvalid("the first block's delegates are not those of the genesis file")
            }
            try first.check(chainID: verifier.chainID)
        } catch { throw .consensus(error) }
        newest = first
    }
}

/// Why a header was not verified: it convinces nobody, or a block on the way to it was not to be had.
enum LightFailure: Error {
    case consensus(ConsensusError)
    case node(ChainClientError)
}
