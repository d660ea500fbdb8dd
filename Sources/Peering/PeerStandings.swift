public import Primitives

/// Who behaved badly: points that fade, and bans that end.
public struct PeerStandings: Sendable {
    public enum Subject: Hashable, Sendable {
        case peer(PeerID)
        /// An IPv4 address or an IPv6 network of 64 bits.
        case subscriber(NetworkGroup)
    }

    struct Standing: Hashable, Sendable {
        var points: UInt32 = 0
        var countedAt: Instant
        var bannedUntil: Instant?
    }

    /// So many points are a ban.
    public static let limit: UInt32 = 100
    /// One point fades in this time: an hour forgives a handshake gone wrong six times over.
    static let fading = Nanoseconds.seconds(60)
    static let banOfPeer = Nanoseconds.seconds(86_400)
    /// Addresses are shared and handed on.
    static let banOfAddress = Nanoseconds.seconds(3600)
    /// The memory of faults: with it full, the slightest is forgotten.
    static let capacity = 1024

    private(set) var standings: [Subject: Standing] = [:]

    init() {}

    func isBanned(_ subject: Subject, at now: Instant) -> Bool {
        guard let until = standings[subject]?.bannedUntil else { return false }
        return until > now
    }

    func points(of subject: Subject, at now: Instant) -> UInt32 {
        guard let standing = standings[subject] else { return 0 }
        let faded = max(0, (now - standing.countedAt).count / Self.fading.count)
        return UInt32(max(0, Int64(standing.points) - faded))
    }

    /// Adds points; true if that made it a ban.
    mutating func punish(_ subject: Subject, _ points: UInt32, at now: Instant) -> Bool {
        guard !isBanned(subject, at: now) else { return false }
        let (sum, overflow) = self.points(of: subject, at: now).addingReportingOverflow(points)
        set(subject, Standing(points: overflow ? Self.limit : min(sum, Self.limit), countedAt: now), at: now)
        guard overflow || sum >= Self.limit else { return false }
        ban(subject, at: now)
        return true
    }

    /// For a day, or an hour when it is an address.
    mutating func ban(_ subject: Subject, at now: Instant) {
        let length = if case .peer = subject { Self.banOfPeer } else { Self.banOfAddress }
        restore(subject, Standing(points: 0, countedAt: now, bannedUntil: now + length), at: now)
    }

    mutating func restore(_ subject: Subject, _ standing: Standing, at now: Instant) { set(subject, standing, at: now) }

    private mutating func set(_ subject: Subject, _ standing: Standing, at now: Instant) {
        if standings[subject] == nil, standings.count >= Self.capacity { makeRoom(at: now) }
        standings[subject] = standing
    }

    private mutating func makeRoom(at now: Instant) {
        standings = standings.filter { isBanned($0.key, at: now) || points(of: $0.key, at: now) > 0 }
        guard standings.count >= Self.capacity else { return }
        func weight(_ standing: Standing) -> Int64 {
            standing.bannedUntil.map { $0.nanoseconds } ?? Int64(standing.points) + .min / 2
        }
        if let slightest = standings.min(by: { weight($0.value) < weight($1.value) }) { standings[slightest.key] = nil }
    }
}
