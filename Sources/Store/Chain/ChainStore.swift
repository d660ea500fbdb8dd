public import Charging
public import Consensus
public import Ledger
public import Node
public import Primitives

/// A node's chain on disk: block log, database and signing file, in the order that each one's promise asks for (docs/decisions/009).
///
/// ```
///  append ─▶ log (memory) ──16 blocks──▶ log.sync ─▶ database.flush
///  persist ─▶ log.sync ─▶ signing.ground, if it changed ─▶ signing.state ─▶ returns
///  load: database ─▶ the log's later blocks applied again
/// ```
public actor ChainStore: ChainStorage {
    /// Blocks between two flushes of the state (chain.md, "State and proofs").
    public static let flushInterval: UInt64 = 16
    /// Three blocks of 1 MiB and the ballots.
    private static let groundLimit = 8 << 20
    /// Blocks that are kept if nothing else is wanted, and those behind each snapshot in any case.
    public static let blocksKept: UInt64 = 10_000

    private let executor = DiskExecutor()
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    let log: BlockLog
    let database: ChainDatabase
    private let signing: SigningFile
    private let directory: String
    private let blocksKept: UInt64?
    var changes: [StateKey: StateEntry?] = [:]
    /// Ends of epochs and delegate sets for the next flush.
    var ends: [EpochEnd] = []
    var delegates: [Bytes32: [UInt8]] = [:]
    private var ground = Ground()
    var head = LedgerState.Head()
    /// Of the state after the head.
    var root: Bytes32?
    private var lastCommit: Commit?
    private var lastHeader: Header?
    let keepsSnapshots: Bool
    let files: SnapshotFiles
    /// What is being written for others, and what is on its way here.
    var writer: SnapshotWriter?
    var incoming: SnapshotDraft?

    /// Opens `directory`, which is there, and keeps every other process out.
    ///
    /// - Parameters:
    ///   - isDeclaredCopy: the owner says that disk or key were restored from a copy.
    ///   - keepsSnapshots: of each epoch's end, for newcomers: the disk takes the whole state each time.
    ///   - blocksKept: at least so many, and all behind the snapshots that are kept; nil keeps every block.
    ///   - segmentSize: of the block log, which forgets that much at a time.
    public init(
        directory: String, isDeclaredCopy: Bool = false, keepsSnapshots: Bool = true, blocksKept: UInt64? = ChainStore.blocksKept,
        segmentSize: Int = BlockLog.segmentSize
    ) throws(StorageError) {
        (self.directory, self.blocksKept, self.keepsSnapshots) = (directory, blocksKept, keepsSnapshots)
        database = try ChainDatabase(directory: directory)
        let isLeaving = FileSystem.exists(Self.leavingPath(directory))
        log = try BlockLog(
            directory: directory + "/blocks", flushed: isLeaving ? 0 : database.flushedHeight ?? 0, segmentSize: segmentSize)
        if isLeaving {
            try log.truncate(after: 0)
            try FileSystem.remove(Self.leavingPath(directory))
        }
        files = try SnapshotFiles(directory + "/snapshots", keeping: keepsSnapshots ? SnapshotFiles.kept : 0)
        let noted = try database.meta("signing_sequence").flatMap { try? NotedSequence(canonicalBytes: $0).value }
        signing = try SigningFile(directory + "/signing.state", noted: noted, isDeclaredCopy: isDeclaredCopy)
    }

    // MARK: Recovery

    public func load(_ genesis: Genesis) throws -> StoredChain {
        var state = try flushedState(genesis)
        if let heights = log.heights, heights.upperBound > state.head.height {
            guard heights.lowerBound <= state.head.height + 1 else {
                throw damaged("its blocks begin at \(heights.lowerBound), and its state ends at \(state.head.height)")
            }
            for height in state.head.height + 1...heights.upperBound { try apply(height, to: &state) }
        }
        head = state.head
        let signed = try signing.past.state.map { try SigningState(canonicalBytes: $0) }
        // Without its ground a signing state still binds; peers have the votes and the blocks.
        ground = (try FileSystem.contents(groundPath, limit: Self.groundLimit).map { try Ground(canonicalBytes: $0) }) ?? Ground()
        var restored = signed
        if let signed, signed.height == ground.height { restored?.proof = ground.proof }
        return StoredChain(
            state: state, lastCommit: lastCommit, lastHeader: lastHeader,
            past: .init(signing: restored, isWhole: signing.past.isWhole),
            doubts: signing.past.doubts, bound: signed?.height == ground.height ? ground.blocks : [])
    }

    func flushedState(_ genesis: Genesis) throws -> LedgerState {
        guard let height = database.flushedHeight else {
            let state = try genesis.state()
            state.walk { changes[$0] = $1 }  // the first flush is of all of it
            note(state.epoch)
            return state
        }
        guard let bytes = try database.meta("head"), let commit = try database.meta("last_commit") else {
            throw damaged("what belongs to the state of height \(height) is missing")
        }
        var loading = StateLoading(expecting: try database.entryCount())
        try database.load { (key, bytes) throws(StorageError) in
            guard let kind = StateKey.Kind(rawValue: key.kind), let entry = try? StateEntry(canonicalBytes: bytes) else {
                throw damaged("an entry cannot be read")
            }
            do { try loading.add(StateKey(kind, key.id), entry) } catch { throw damaged("\(error)") }
        }
        lastCommit = try Commit(canonicalBytes: commit)
        lastHeader = try database.meta("last_header").map { try Header(canonicalBytes: $0) }
        let state = try loading.state(chainID: genesis.chainID, head: .init(canonicalBytes: bytes))
        guard try database.meta("root") == state.root.bytes else { throw damaged("its root is not the one that was stored") }
        return state
    }

    private func apply(_ height: UInt64, to state: inout LedgerState) throws {
        guard let certified = try block(at: height) else { throw damaged("block \(height) is missing") }
        let checked = try CheckedTransaction.check(certified.block.transactions[...], on: state.chainID).get()
        let outcome = try state.execute(certified.block, checked, knownCommit: lastCommit)
        state.apply(outcome)
        note(certified, outcome, state.root)
    }

    // MARK: What comes

    public func append(_ certified: CertifiedBlock, _ outcome: BlockOutcome, root: Bytes32) throws {
        try log.append(height: certified.height, record: certified.canonicalBytes)
        note(certified, outcome, root)
        if certified.height % Self.flushInterval == 0 { try flush() }
    }

    private func note(_ certified: CertifiedBlock, _ outcome: BlockOutcome, _ root: Bytes32) {
        changes.merge(outcome.changes) { $1 }
        (head, lastCommit, self.root) = (outcome.head, certified.commit, root)
        lastHeader = certified.block.header
        guard case .epoch(let epoch)?? = outcome.changes[.epoch] else { return }
        ends.append(
            EpochEnd(
                height: certified.height, header: certified.block.header.canonicalBytes, commit: certified.commit.canonicalBytes))
        note(epoch)
    }

    private func note(_ epoch: Epoch) {
        for set in [epoch.previous, epoch.current, epoch.next] { delegates[set.hash] = set.canonicalBytes }
    }

    func flush() throws(StorageError) {
        guard let root, let lastCommit, let lastHeader, head.height > database.flushedHeight ?? 0 else { return }
        try log.sync()
        var flush = Flush(height: head.height, time: head.time)
        flush.changes = changes.map { StateChange(.init(kind: $0.key.kind.rawValue, id: $0.key.id), $0.value?.canonicalBytes) }
        flush.meta = facts(head, lastHeader, lastCommit, root: root)
        (flush.epochs, flush.delegates) = (ends, delegates)
        try database.flush(flush)
        (changes, ends, delegates) = ([:], [], [:])
        let behindSnapshots = files.manifests.first?.height ?? .max
        if let blocksKept, head.height > blocksKept { try log.prune(keepingFrom: min(head.height - blocksKept, behindSnapshots)) }
    }

    func facts(_ head: LedgerState.Head, _ header: Header, _ commit: Commit, root: Bytes32) -> [String: [UInt8]] {
        [
            "head": head.canonicalBytes, "last_header": header.canonicalBytes, "last_commit": commit.canonicalBytes,
            "root": root.bytes, "signing_sequence": NotedSequence(signing.sequence).canonicalBytes,
        ]
    }

    /// From here on a start forgets the blocks: they belong to the state that is to be replaced.
    func beginLeaving() throws(StorageError) {
        try FileSystem.replace(Self.leavingPath(directory), with: [])
        try log.truncate(after: 0)
    }

    func endLeaving() throws(StorageError) { try FileSystem.remove(Self.leavingPath(directory)) }

    private static func leavingPath(_ directory: String) -> String { directory + "/blocks.left" }

    public func persist(_ state: SigningState, bound: [Block]) throws {
        try log.sync()
        let next = Ground(height: state.height, proof: state.proof, blocks: bound)
        if next != ground {
            try FileSystem.replace(groundPath, with: next.canonicalBytes)
            ground = next
        }
        var core = state
        core.proof = []
        try signing.write(core.canonicalBytes)
    }

    public func blocks(_ range: BlockRange, atMost bytes: Int) throws -> [CertifiedBlock] {
        var room = bytes
        var blocks: [CertifiedBlock] = []
        for height in range.from..<range.from.saturatingAdd(UInt64(range.count)) {
            guard let record = try log.record(at: height), record.count <= room else { break }
            room -= record.count
            blocks.append(try CertifiedBlock(canonicalBytes: record))
        }
        return blocks
    }

    public func close() throws { try flush() }

    private func block(at height: UInt64) throws -> CertifiedBlock? {
        try log.record(at: height).map { try CertifiedBlock(canonicalBytes: $0) }
    }

    private var groundPath: String { directory + "/signing.ground" }

    func damaged(_ why: String) -> StorageError {
        StorageError(
            .corrupt, "the chain in \(directory) is damaged: \(why); remove chain.db and blocks there, they are fetched again")
    }
}

/// What a signing state rests on and what it names: too large for its file.
private struct Ground: Hashable, Canonical {
    var height: UInt64 = 0
    var proof: [Ballot] = []
    var blocks: [Block] = []

    init() {}
    init(height: UInt64, proof: [Ballot], blocks: [Block]) { (self.height, self.proof, self.blocks) = (height, proof, blocks) }
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&height)
        try coder.array(&proof, limit: SigningState.proofLimit)
        try coder.array(&blocks, limit: 3)
    }
}

private struct NotedSequence: Canonical {
    var value: UInt64 = 0

    init() {}
    init(_ value: UInt64) { self.value = value }
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.integer(&value) }
}
