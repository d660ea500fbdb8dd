public import Consensus
public import Ledger
public import Primitives

/// How well something is known.
public enum Standing: Hashable, Sendable {
    /// More than two thirds of the delegates signed the header of that height, which names the state.
    case proved(header: UInt64, time: BlockTime)
    case unproved(String)
}

/// What stands under a key of the ledger's state, and how well that is known.
public struct Known<Value: Sendable>: Sendable {
    /// nil: there is none.
    public var value: Value?
    /// The block after which it is so.
    public var height: UInt64
    public var standing: Standing

    public var isProved: Bool { if case .proved = standing { true } else { false } }

    func map<Other>(_ body: (Value) -> Other?) -> Known<Other> {
        Known<Other>(value: value.flatMap(body), height: height, standing: standing)
    }
}

extension ChainClient {
    public mutating func account(_ key: PublicKey, waits: Bool = true) async throws(ChainClientError) -> Known<Account> {
        try await entry(.account(key), waits: waits).map { if case .account(let account) = $0 { account } else { nil } }
    }

    public mutating func channel(_ id: Bytes32, waits: Bool = true) async throws(ChainClientError) -> Known<ChannelRecord> {
        try await entry(.channel(id), waits: waits).map { if case .channel(let channel) = $0 { channel } else { nil } }
    }

    public mutating func asset(_ id: AssetID, waits: Bool = true) async throws(ChainClientError) -> Known<Asset> {
        try await entry(.asset(id), waits: waits).map { if case .asset(let asset) = $0 { asset } else { nil } }
    }

    public mutating func delegate(_ key: PublicKey, waits: Bool = true) async throws(ChainClientError) -> Known<DelegateRecord> {
        try await entry(.delegate(key), waits: waits).map { if case .delegate(let record) = $0 { record } else { nil } }
    }

    public mutating func entry(_ key: StateKey, waits: Bool = true) async throws(ChainClientError) -> Known<StateEntry> {
        let all = try await entries([key], waits: waits)
        guard let first = all.first else { throw .notAnAnswer(node: node, why: "no answer where one was due") }
        return first
    }

    /// What stands under the keys, in their order, each with its proof checked.
    /// - Parameter waits: for the header that proves it, which comes with the next block; else it may be unproved.
    /// - Throws: `lie` if a proof is false or of something else; what asking throws.
    public mutating func entries(
        _ keys: [StateKey], waits: Bool = true
    ) async throws(ChainClientError) -> [Known<StateEntry>] {
        let network = network
        let answers: [ProofAnswer?] = try await connection.calls(.proof, keys.map { $0.params(network) })
        var found: [Known<StateEntry>] = []
        var standings: [UInt64: (root: Bytes32, standing: Standing)] = [:]
        for (key, answer) in zip(keys, answers) {
            guard let answer else {
                throw .notAnAnswer(node: node, why: "it proves neither that there is something nor that not")
            }
            let entry = try check(answer, of: key)
            if standings[answer.height]?.root != answer.stateRoot {
                guard standings[answer.height] == nil else {
                    throw .lie(node: node, why: "it names two states after block \(answer.height)")
                }
                standings[answer.height] = (answer.stateRoot, try await standing(of: answer, waits: waits))
            }
            guard let standing = standings[answer.height]?.standing else { continue }
            found.append(Known(value: entry, height: answer.height, standing: standing))
        }
        return found
    }

    /// The entry that the proof leads from to the root which the answer names.
    private func check(_ answer: ProofAnswer, of key: StateKey) throws(ChainClientError) -> StateEntry? {
        let proof: StateProof = try read(answer.proof, "a proof")
        let proved: Bytes32?
        do { proved = try proof.value(at: key.path, under: answer.stateRoot) } catch {
            throw .lie(node: node, why: "its proof of this \(key.kind) is false")
        }
        guard answer.isPresent == (answer.entry != nil), let text = answer.entry else {
            guard proved == nil else { throw .lie(node: node, why: "it hides a \(key.kind) that its own proof shows") }
            return nil
        }
        let entry: StateEntry = try read(text, "an entry of the ledger")
        guard entry.kind == key.kind, entry.hash == proved else {
            throw .lie(node: node, why: "its proof is of another \(key.kind) than it shows")
        }
        return entry
    }

    /// Whether the delegates have signed a header that names this state.
    private mutating func standing(
        of answer: ProofAnswer, waits: Bool
    ) async throws(ChainClientError) -> Standing {
        guard let newest = light?.newest else {
            return .unproved("no genesis file was given, so the node is believed: --genesis FILE")
        }
        guard answer.headerHeight == answer.height || answer.headerHeight &- 1 == answer.height, answer.headerHeight > 0 else {
            throw .lie(node: node, why: "no header of height \(answer.headerHeight) names the state after block \(answer.height)")
        }
        guard let block = try await header(of: answer, waits: waits) else {
            return .unproved("the header that proves it comes with the next block")
        }
        guard block.height == answer.headerHeight, block.header.stateRoot == answer.stateRoot else {
            throw .lie(node: node, why: "the header of height \(answer.headerHeight) names another state")
        }
        guard block.height >= newest.height else {
            return .unproved("the node is at height \(answer.height), behind what was proved before (\(newest.height))")
        }
        try await follow(to: block)
        return .proved(header: block.height, time: block.time)
    }

    private func header(of answer: ProofAnswer, waits: Bool) async throws(ChainClientError) -> LightBlock? {
        if answer.headerHeight == answer.height, let text = answer.lightBlock { return try read(text, "a light block") }
        let start = clock.now()
        while true {
            do { return try await lightBlock(at: answer.headerHeight) } catch { guard error.isNotFound else { throw error } }
            let waited = clock.now() &- start
            guard waits, waited < UInt64(patience.count) / 1_000_000 else { return nil }
            onWait?("the block that proves it", Int(waited / 1_000))
            await clock.sleep(pause)
        }
    }

    private mutating func follow(to block: LightBlock) async throws(ChainClientError) {
        guard var light else { return }
        let (asked, node) = (self, node)
        do throws(LightFailure) {
            try await light.follow(to: block, now: clock.now()) { (height) async throws(ChainClientError) in
                try await asked.lightBlock(at: height)
            }
        } catch {
            switch error {
            case .node(let error): throw error
            case .consensus(let error): throw ChainClientError(error, node: node)
            }
        }
        self.light = light
    }
}

extension ChainClientError {
    fileprivate init(_ error: ConsensusError, node: String) {
        switch error {
        case .trustExpired(let height, let end, _):
            self = .unproved(
                "what this wallet trusts, height \(height), was good until \(ChainTime(milliseconds: end)): "
                    + "ask somebody you trust for a newer block: --checkpoint HEIGHT:HASH")
        case .fromTheFuture(let time, let now):
            self = .unproved(
                "the header is of \(ChainTime(milliseconds: time)) and this clock shows \(ChainTime(milliseconds: now)): set it")
        default: self = .lie(node: node, why: "\(error)")
        }
    }
}

extension StateKey {
    func params(_ network: Address.Network) -> [String: ChainParam] {
        let isAddress = kind == .account || kind == .delegate
        let id = isAddress ? Address(PublicKey(raw: self.id), on: network).description : self.id.description
        return ["kind": .text("\(kind)".inSnakeCase), "id": .text(id)]
    }
}
