import Primitives

/// The addresses a node knows, kept so that no one source can fill the table: Bitcoin's address manager in spirit (the
/// countermeasures of Heilman et al., USENIX Security 2015), with one place for each address.
///
/// ```
///  heard of ──▶ new: 32 buckets of 20, by (source's network, address's network)
///                 │ a link was made
///                 ▼
///               tried: 24 buckets of 15, by the address's network
/// ```
/// Which bucket, and which place in it, is a secret hash. A place that is taken stays taken unless its address has proved dead.
struct PeerTable: Sendable {
    struct Entry: Hashable, Sendable {
        var endpoint: Endpoint
        /// The network of whoever told of it.
        var source: NetworkGroup
        /// Who was there last.
        var identity: PublicKey?
        var isTried = false
        var redial = Redial()
        var lastSuccess: Instant?

        /// Not worth its place: an address that never answered three times, or that has not for a week and ten times.
        func isDead(at now: Instant) -> Bool {
            guard let lastSuccess else { return redial.failures >= 3 }
            return redial.failures >= 10 && now - lastSuccess > .seconds(7 * 86_400)
        }
    }

    static let newBuckets = 32, newSize = 20
    static let triedBuckets = 24, triedSize = 15
    /// One source's network reaches a quarter of the new buckets: 160 places of 640.
    static let bucketsPerSource = 8
    /// Addresses of one network reach a sixth of the tried ones.
    static let bucketsPerNetwork = 4
    static let capacity = newBuckets * newSize + triedBuckets * triedSize

    private let secret: [UInt8]
    private(set) var entries: [Endpoint: Entry] = [:]
    private var places: [Endpoint?] = Array(repeating: nil, count: newBuckets * newSize + triedBuckets * triedSize)

    /// `secret` is this node's own: who knew it could aim at places.
    init(secret: [UInt8]) { self.secret = secret }

    /// In the order of places, so that equal tables and equal random numbers choose alike.
    var all: [Entry] { places.compactMap { $0.flatMap { entries[$0] } } }

    /// Takes in what a peer of `source` told, if its place is free or held by a dead address.
    mutating func learn(_ endpoint: Endpoint, from source: NetworkGroup, at now: Instant) {
        guard entries[endpoint] == nil else { return }
        put(Entry(endpoint: endpoint, source: source), at: now)
    }

    /// A link was made and the hello was good: it moves to the tried ones.
    mutating func succeeded(_ endpoint: Endpoint, identity: PublicKey, at now: Instant) {
        var entry = entries[endpoint] ?? Entry(endpoint: endpoint, source: .provider(of: endpoint))
        remove(endpoint)
        (entry.identity, entry.isTried, entry.lastSuccess) = (identity, true, now)
        entry.redial.succeeded()
        put(entry, at: now)
    }

    /// Changes when the address is dialled next. One that proved dead is forgotten.
    mutating func change(_ endpoint: Endpoint, at now: Instant, _ body: (inout Redial) -> Void) {
        guard entries[endpoint] != nil else { return }
        body(&entries[endpoint]!.redial)
        if entries[endpoint]!.isDead(at: now), entries[endpoint]!.redial.stranger == false { remove(endpoint) }
    }

    mutating func remove(_ endpoint: Endpoint) {
        guard let entry = entries.removeValue(forKey: endpoint) else { return }
        let place = place(of: entry)
        if places[place] == endpoint { places[place] = nil }
    }

    /// Puts back what a file said, wherever it belongs under this table's secret.
    mutating func restore(_ entry: Entry, at now: Instant) {
        guard entries[entry.endpoint] == nil else { return }
        put(entry, at: now)
    }

    // MARK: Choosing

    /// Whom to dial: by turns of a coin tried or new, then a random bucket, then a random address of it, so that a full bucket
    /// weighs no more than one with a single address.
    func candidate(
        at now: Instant, using random: inout some RandomNumberGenerator, where isEligible: (Entry) -> Bool
    ) -> Entry? {
        let isTriedFirst = Bool.random(using: &random)
        for tried in [isTriedFirst, !isTriedFirst] {
            let size = tried ? Self.triedSize : Self.newSize
            var buckets: [Int: [Entry]] = [:]
            for index in tried ? Self.newBuckets * Self.newSize..<places.count : 0..<Self.newBuckets * Self.newSize {
                guard let endpoint = places[index], let entry = entries[endpoint], entry.redial.notBefore <= now,
                    isEligible(entry)
                else { continue }
                buckets[index / size, default: []].append(entry)
            }
            if let bucket = buckets.keys.sorted().randomElement(using: &random) {
                return buckets[bucket]?.randomElement(using: &random)
            }
        }
        return nil
    }

    /// Up to `limit` addresses to tell a peer.
    func sample(_ limit: Int, using random: inout some RandomNumberGenerator) -> [Endpoint] {
        Array(all.filter { !$0.redial.stranger }.map(\.endpoint).shuffled(using: &random).prefix(limit))
    }

    // MARK: Places

    private mutating func put(_ entry: Entry, at now: Instant) {
        let place = place(of: entry)
        if let holder = places[place].flatMap({ entries[$0] }) {
            guard holder.isDead(at: now) || (entry.isTried && isStale(holder, at: now)) else {
                // A tried address whose place is taken goes back to the new ones, once.
                guard entry.isTried else { return }
                var demoted = entry
                demoted.isTried = false
                return put(demoted, at: now)
            }
            entries[holder.endpoint] = nil
        }
        places[place] = entry.endpoint
        entries[entry.endpoint] = entry
    }

    /// A tried address that failed of late, and for a day, gives way to one that answers.
    private func isStale(_ entry: Entry, at now: Instant) -> Bool {
        guard let lastSuccess = entry.lastSuccess else { return true }
        return entry.redial.failures > 0 && now - lastSuccess > .seconds(86_400)
    }

    private func place(of entry: Entry) -> Int {
        let network = NetworkGroup.provider(of: entry.endpoint).canonicalBytes
        let key = PeerAddress(entry.endpoint).canonicalBytes
        if entry.isTried {
            let lane = hash("tried lane", key) % UInt64(Self.bucketsPerNetwork)
            let bucket = hash("tried bucket", network + [UInt8(lane)]) % UInt64(Self.triedBuckets)
            let slot = hash("tried slot", key) % UInt64(Self.triedSize)
            return Self.newBuckets * Self.newSize + Int(bucket) * Self.triedSize + Int(slot)
        }
        let lane = hash("new lane", entry.source.canonicalBytes + network) % UInt64(Self.bucketsPerSource)
        let bucket = hash("new bucket", entry.source.canonicalBytes + [UInt8(lane)]) % UInt64(Self.newBuckets)
        return Int(bucket) * Self.newSize + Int(hash("new slot", key) % UInt64(Self.newSize))
    }

    private func hash(_ purpose: String, _ value: [UInt8]) -> UInt64 {
        TaggedHash.keyed(secret, Array(purpose.utf8) + [0] + value).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
