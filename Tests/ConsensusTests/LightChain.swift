import Consensus
import Primitives
import SimulatedHAL

/// Delegates by number, each with its own power.
struct Crowd: Sendable {
    let keys: [PrivateKey]
    private let delegates: [Delegate]

    init(powers: [UInt64], seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        keys = powers.map { _ in PrivateKey(seed: random.bytes(32))! }
        delegates = zip(keys, powers).map { Delegate(key: $0.publicKey, power: $1) }
    }

    func key(_ number: Int) -> PublicKey { delegates[number].key }

    func set(_ members: [Int]) throws -> DelegateSet { try DelegateSet(members.map { delegates[$0] }) }

    /// The header with its precommits, whoever the header says should sign.
    func certify(_ header: Header, members: [Int], signers: [Int], round: UInt32 = 0) throws -> LightBlock {
        let set = try set(members)
        let vote = Vote(chainID: header.chainID, height: header.height, round: round, step: .precommit, block: header.id)
        let commit = Commit(of: vote, from: signers.map { Verified(signing: vote, by: keys[$0]) }, in: set)
        return LightBlock(header: header, commit: commit, delegates: set)
    }
}

/// Headers from height 1 on; commits are signed when somebody asks.
struct LightChain: Sendable {
    static let start: BlockTime = 1_767_225_600_000
    static let interval: BlockTime = 60_000

    let crowd: Crowd
    private(set) var headers: [Header] = []
    /// By height, from 1, and one more for what the last header announces.
    private(set) var members: [[Int]]
    /// Who signs of a height's members, and in which round.
    var signers: @Sendable (UInt64, [Int]) -> [Int] = { $1 }
    var round: UInt32 = 0

    init(crowd: Crowd, members: [[Int]]) throws {
        (self.crowd, self.members) = (crowd, members)
        try extend(from: 1, changing: { _ in })
    }

    init(crowd: Crowd, heights: Int, members: [Int]) throws {
        try self.init(crowd: crowd, members: Array(repeating: members, count: heights + 1))
    }

    /// One delegate of `seats` replaced by the next of the crowd every so many heights.
    init(crowd: Crowd, heights: Int, seats: Int, replacingEvery interval: Int) throws {
        try self.init(crowd: crowd, members: (0...heights).map { height in (0..<seats).map { height / interval + $0 } })
    }

    var height: UInt64 { UInt64(headers.count) }
    var now: BlockTime { headers.last!.time + 5_000 }
    var checkpoint: Checkpoint { Checkpoint(height: 1, header: headers[0].id) }

    func header(_ height: UInt64) -> Header { headers[Int(height) - 1] }
    func members(_ height: UInt64) -> [Int] { members[Int(height) - 1] }

    func block(_ height: UInt64) throws -> LightBlock {
        let who = members(height)
        return try crowd.certify(header(height), members: who, signers: signers(height, who), round: round)
    }

    /// The same up to `height`, and from there on different ones: the first is changed, the others follow.
    func forked(at height: UInt64, members: [Int]? = nil, change: (inout Header) -> Void) throws -> LightChain {
        var other = self
        other.headers.removeSubrange((Int(height) - 1)...)
        if let members {
            for index in Int(height)..<self.members.count { other.members[index] = members }
        }
        try other.extend(from: height, changing: change)
        return other
    }

    private mutating func extend(from first: UInt64, changing change: (inout Header) -> Void) throws {
        var set = try crowd.set(members(first)).hash
        for height in first..<UInt64(members.count) {
            var header = Header()
            (header.chainID, header.height) = (Voters.chainID, height)
            header.time = Self.start + height * Self.interval
            header.parent = headers.last?.id ?? .zero
            header.stateRoot = TaggedHash.digest(tag: "state", header.parent.bytes)
            header.delegateSet = set
            if members(height + 1) != members(height) { set = try crowd.set(members(height + 1)).hash }
            header.nextDelegateSet = set
            header.proposer = crowd.key(members(height)[0])
            if height == first { change(&header) }
            headers.append(header)
        }
    }

    /// What an honest peer answers.
    @Sendable func answer(_ height: UInt64?) throws -> LightClient.Answer {
        let height = height ?? self.height
        guard (1...self.height).contains(height) else { return .none }
        return .block(try block(height))
    }
}

/// A client and its peers: every question is answered at once.
struct LightNetwork {
    typealias Peer = @Sendable (UInt64?) throws -> LightClient.Answer

    var client: LightClient
    private var peers: [PublicKey: Peer] = [:]
    /// Of the last update.
    private(set) var questions: [(peer: PublicKey, height: UInt64?)] = []
    /// Everything else that the client did.
    private(set) var deeds: [LightClient.Action] = []

    init(client: LightClient) { self.client = client }

    init(_ checkpoint: Checkpoint?, peers: [Peer]) {
        self.init(client: LightClient(verifier: LightVerifier(chainID: Voters.chainID), checkpoint: checkpoint))
        for (number, peer) in peers.enumerated() { join(number, answering: peer) }
    }

    static func key(_ number: Int) -> PublicKey { PublicKey(raw: TaggedHash.digest(tag: "peer", [UInt8(number)])) }

    /// On a network of its own, unless it is given.
    mutating func join(_ number: Int, network: UInt64? = nil, answering peer: @escaping Peer) {
        let key = Self.key(number)
        peers[key] = peer
        _ = client.handle(.joined(LightPeer(key: key, network: network ?? UInt64(number))), now: 0)
    }

    /// Ends when the client asks no more.
    mutating func update(_ target: LightClient.Target = .newest, now: BlockTime) throws {
        (questions, deeds) = ([], [])
        var open = client.handle(.update(target), now: now)[...]
        while let action = open.popFirst() {
            guard case .ask(let key, let height) = action else {
                deeds.append(action)
                continue
            }
            questions.append((key, height))
            open += client.handle(.answered(key, height: height, try peers[key]?(height) ?? .silence), now: now)
        }
    }

    func questions(to number: Int) -> [UInt64?] { questions.filter { $0.peer == Self.key(number) }.map(\.height) }
    var verified: LightBlock? { deeds.lazy.compactMap { if case .verified(let block) = $0 { block } else { nil } }.first }
    var failure: ConsensusError? { deeds.lazy.compactMap { if case .failed(let error) = $0 { error } else { nil } }.first }
    var dropped: [PublicKey] { deeds.compactMap { if case .drop(let key, _) = $0 { key } else { nil } } }
    var evidence: [LightAttackEvidence]? {
        deeds.lazy.compactMap { if case .fork(_, let evidence) = $0 { evidence } else { nil } }.first
    }
}

extension ConsensusError {
    /// Its case, for tables.
    var name: String { Mirror(reflecting: self).children.first?.label ?? "" }
}
