public import Consensus
public import Ledger
public import Primitives

/// What a wallet knows of a chain: through one node, believed as far as it is proved.
///
/// ```
///  question ─▶ chain.proof ─▶ entry, proof, state root ─▶ light block with that root ─▶ LightChain ─▶ Known, proved
///                                └ contradicts itself: a lie      └ none, or no genesis file ──────▶ Known, unproved
/// ```
public struct ChainClient: Sendable {
    public let connection: ChainConnection
    public let chainID: Bytes32
    public let network: Address.Network
    /// nil without a genesis file: then nothing can be proved.
    public internal(set) var light: LightChain?
    let clock: any WalletClock
    /// For how long a header that proves something may be waited for: an idle chain makes one every minute.
    public var patience = Nanoseconds.seconds(90)
    /// Between two questions whether something is there now.
    public var pause = Nanoseconds.milliseconds(400)
    /// Told while something is waited for: what, and for how many seconds so far.
    public var onWait: (@Sendable (String, Int) -> Void)?

    var node: String { "\(connection.node)" }

    /// Asks the node which chain it is of.
    /// - Parameters:
    ///   - genesis: the chain that it has to be of, and where proofs start; nil believes the node.
    ///   - kept: the newest header that was verified the last time.
    ///   - checkpoint: a block that the user vouches for.
    /// - Throws: `otherChain`, or what asking throws.
    public init(
        _ connection: ChainConnection, genesis: Genesis?, kept: LightBlock? = nil, checkpoint: Checkpoint? = nil,
        clock: any WalletClock
    ) async throws(ChainClientError) {
        let status: ChainStatus = try await connection.call(.status)
        (self.connection, self.clock, chainID) = (connection, clock, status.chainId)
        network = Address.Network(ofChain: genesis?.name ?? status.name)
        guard let genesis else { return }
        let start: LightChain
        do { start = try LightChain(genesis) } catch { throw .unproved("the genesis file starts no chain: \(error)") }
        guard start.verifier.chainID == chainID else {
            throw .otherChain(node: node, expected: start.verifier.chainID, found: chainID)
        }
        light = kept.flatMap { LightChain(chainID: chainID, trusted: $0) } ?? start
        if let checkpoint, checkpoint.height > (light?.newest.height ?? 0) { try await begin(at: checkpoint) }
    }

    private mutating func begin(at checkpoint: Checkpoint) async throws(ChainClientError) {
        let block = try await lightBlock(at: checkpoint.height)
        do { try light?.start(at: checkpoint, block) } catch { throw .lie(node: node, why: "\(error)") }
    }

    public func status() async throws(ChainClientError) -> ChainStatus {
        let status: ChainStatus = try await connection.call(.status)
        guard status.chainId == chainID else { throw .otherChain(node: node, expected: chainID, found: status.chainId) }
        return status
    }

    func lightBlock(at height: UInt64) async throws(ChainClientError) -> LightBlock {
        let answer: LightBlockAnswer = try await connection.call(.lightBlock, ["height": .count(height)])
        return try read(answer.lightBlock, "a light block")
    }

    /// Bytes of the canonical encoding, in hexadecimal.
    func read<Value: Canonical>(_ text: String, _ what: String) throws(ChainClientError) -> Value {
        guard let bytes = Hex.decode(text), let value = try? Value(canonicalBytes: bytes) else {
            throw .notAnAnswer(node: node, why: "it sent bytes that are not \(what)")
        }
        return value
    }
}

/// The wallet's own clock: proofs are good for days only.
public protocol WalletClock: Sendable {
    /// Milliseconds since 1970.
    func now() -> BlockTime
    func sleep(_ duration: Nanoseconds) async
}
