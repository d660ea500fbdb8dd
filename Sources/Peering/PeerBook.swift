public import Logging
public import Primitives
import Synchronization

/// What a node remembers of others over restarts: addresses, anchors, faults and bans. Threads share it; the file is one piece.
public final class PeerBook: Sendable {
    struct Contents: Sendable {
        var table: PeerTable
        var standings = PeerStandings()
        /// Where the peers that were there longest listen.
        var anchors: [Endpoint] = []
        /// Since the file was written.
        var isChanged = false
    }

    private let path: String?
    private let secret: [UInt8]
    private let contents: Mutex<Contents>

    /// Reads `path`, or starts an empty book: also when the file is damaged, which is logged. Without a path nothing is kept.
    public init(path: String?, at now: Instant, logger: Logger) {
        var image: PeerBookImage?
        if let path {
            do {
                image = try PeerBookFile.load(path)
            } catch {
                logger.warning("the peer book starts anew", metadata: ["path": "\(path)", "reason": "\(error)"])
            }
        }
        var random = SystemRandomNumberGenerator()
        secret = image?.secret.bytes ?? (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        var contents = Contents(table: PeerTable(secret: secret))
        image?.restore(into: &contents, at: now)
        self.path = path
        self.contents = Mutex(contents)
    }

    /// Changes the book. Nothing in `body` may wait.
    func change<T: Sendable>(_ body: (inout Contents) -> T) -> T {
        contents.withLock {
            $0.isChanged = true
            return body(&$0)
        }
    }

    func keep(anchors: [Endpoint]) {
        contents.withLock {
            $0.isChanged = $0.isChanged || $0.anchors != anchors
            $0.anchors = anchors
        }
    }

    func read<T: Sendable>(_ body: (Contents) -> T) -> T { contents.withLock { body($0) } }

    /// Writes the file if something changed: whole or not at all, also when power fails. Blocks for as long as the disk does.
    func save(at now: Instant) throws(PeeringError) {
        guard let path else { return }
        let changed = contents.withLock { contents -> Contents? in
            defer { contents.isChanged = false }
            return contents.isChanged ? contents : nil
        }
        guard let changed else { return }
        do {
            try PeerBookFile.save(PeerBookImage(changed, secret: secret, at: now), to: path)
        } catch {
            contents.withLock { $0.isChanged = true }
            throw error
        }
    }
}

/// The book as bytes. Instants mean nothing after a restart, so it holds seconds: left to wait, or since then.
struct PeerBookImage: Hashable, Canonical {
    private var form: UInt16 = 1
    private(set) var secret = Bytes32.zero
    private var anchors: [PeerAddress] = []
    private var entries: [EntryImage] = []
    private var standings: [StandingImage] = []

    init() {}

    init(_ contents: PeerBook.Contents, secret: [UInt8], at now: Instant) {
        self.secret = Bytes32(secret) ?? .zero
        anchors = contents.anchors.prefix(Self.anchorLimit).map(PeerAddress.init)
        entries = contents.table.all.map { EntryImage($0, at: now) }
        standings = contents.standings.standings.map { StandingImage($0.key, $0.value, at: now) }
    }

    private static let anchorLimit = 8

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&form)
        guard form == 1 else { throw .invalid("a peer book of form \(form)") }
        try coder.nested(&secret)
        try coder.array(&anchors, limit: Self.anchorLimit)
        try coder.array(&entries, limit: PeerTable.capacity)
        try coder.array(&standings, limit: PeerStandings.capacity)
    }

    func restore(into contents: inout PeerBook.Contents, at now: Instant) {
        for entry in entries { contents.table.restore(entry.entry(at: now), at: now) }
        for standing in standings { contents.standings.restore(standing.subject, standing.standing(at: now), at: now) }
        contents.anchors = anchors.map(\.endpoint)
    }
}

private struct EntryImage: Hashable, Canonical {
    private var address = PeerAddress()
    private var source = NetworkGroup()
    private var identity: PublicKey?
    private var isTried = false
    private var isStranger = false
    private var failures: UInt32 = 0
    private var secondsToWait: UInt32 = 0
    private var secondsSinceSuccess = OptionalSeconds()

    init() {}

    init(_ entry: PeerTable.Entry, at now: Instant) {
        (address, source, identity, isTried) = (PeerAddress(entry.endpoint), entry.source, entry.identity, entry.isTried)
        (isStranger, failures) = (entry.redial.stranger, UInt32(entry.redial.failures))
        secondsToWait = UInt32(clamping: (entry.redial.notBefore - now).wholeSeconds)
        secondsSinceSuccess.value = entry.lastSuccess.map { UInt32(clamping: (now - $0).wholeSeconds) }
    }

    func entry(at now: Instant) -> PeerTable.Entry {
        PeerTable.Entry(
            endpoint: address.endpoint, source: source, identity: identity, isTried: isTried,
            redial: Redial(failures: Int(failures), wait: .seconds(secondsToWait), stranger: isStranger, at: now),
            lastSuccess: secondsSinceSuccess.value.map { now + .seconds(-Int64($0)) })
    }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&address)
        try coder.nested(&source)
        try coder.optional(&identity)
        try coder.bool(&isTried)
        try coder.bool(&isStranger)
        try coder.integer(&failures)
        try coder.integer(&secondsToWait)
        try coder.nested(&secondsSinceSuccess)
    }
}

private struct StandingImage: Hashable, Canonical {
    private var peer: PublicKey?
    private var subscriber: NetworkGroup?
    private var points: UInt32 = 0
    /// Zero when it is not banned.
    private var secondsBanned: UInt32 = 0

    init() {}

    init(_ subject: PeerStandings.Subject, _ standing: PeerStandings.Standing, at now: Instant) {
        switch subject {
        case .peer(let key): peer = key
        case .subscriber(let group): subscriber = group
        }
        let faded = UInt32(clamping: (now - standing.countedAt).wholeSeconds / PeerStandings.fading.wholeSeconds)
        points = standing.points > faded ? standing.points - faded : 0
        secondsBanned = UInt32(clamping: standing.bannedUntil.map { ($0 - now).wholeSeconds } ?? 0)
    }

    var subject: PeerStandings.Subject { peer.map { .peer($0) } ?? .subscriber(subscriber ?? NetworkGroup()) }

    func standing(at now: Instant) -> PeerStandings.Standing {
        PeerStandings.Standing(
            points: points, countedAt: now, bannedUntil: secondsBanned == 0 ? nil : now + .seconds(secondsBanned))
    }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.optional(&peer)
        try coder.optional(&subscriber)
        try coder.integer(&points)
        try coder.integer(&secondsBanned)
        guard (peer == nil) != (subscriber == nil) else { throw .invalid("a standing is a peer's or an address's") }
    }
}

/// A `u32` behind its flag.
private struct OptionalSeconds: Hashable, Canonical {
    var value: UInt32?

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var isThere = value != nil
        var seconds = value ?? 0
        try coder.bool(&isThere)
        if isThere { try coder.integer(&seconds) }
        value = isThere ? seconds : nil
    }
}
