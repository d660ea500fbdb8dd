import Charging
import Primitives
import SimulatedHAL

/// What the checker knows of every session, from commits and from the world alone: it believes no engine.
struct SimulationChecker: Sendable {
    /// A session's hold on one mark: what the world saw carried under it, from its beginning to its end.
    struct Holding: Sendable {
        var account: SimulatedTruth.Account
        var base: SimulatedTruth.Carried
        /// nil: still held.
        var end: SimulatedTruth.Carried?
    }

    struct Seen: Sendable {
        let number: Int
        let tariff: Tariff
        let funding: Funding
        var holdings: [Holding] = []
        /// What a reboot or a flushed gate cost the station: carried, and counted by nobody.
        var lostUp: UInt64 = 0
        var lostDown: UInt64 = 0
        var lostTime = Nanoseconds.zero
        var lastCharge = QLC.zero
        /// Paid while it was open under a tariff that takes donations.
        var donated = QLC.zero
        var savedBytes: UInt64 = 0
        /// Since when something is carried that is not on disk.
        var unsavedSince: Instant?
        var cutSince: Instant?
        var record: UsageRecord?
        var isClosed = false
    }

    private(set) var sessions: [SessionID: Seen] = [:]
    /// In the order in which they were first seen.
    private(set) var order: [SessionID] = []
    var owners: [SimulatedTruth.Account: SessionID] = [:]
    /// When the agent was last dead, or a fault was on.
    var lastTrouble = Instant.zero

    subscript(id: SessionID) -> Seen? {
        get { sessions[id] }
        set {
            if sessions[id] == nil, newValue != nil { order.append(id) }
            sessions[id] = newValue
        }
    }

    mutating func change(_ id: SessionID, _ body: (inout Seen) -> Void) {
        if sessions[id] != nil { body(&sessions[id]!) }
    }

    /// A charge may be lower after what was not on disk was taken back.
    mutating func forgetCharges() {
        for id in order { change(id) { $0.lastCharge = .zero } }
    }

    /// What the world saw carried for a session.
    func carried(_ seen: Seen, in truth: SimulatedTruth) -> SimulatedTruth.Carried {
        var sum = SimulatedTruth.Carried()
        for holding in seen.holdings {
            let now = holding.end ?? truth.carried[holding.account] ?? .init()
            sum.up += now.up - holding.base.up
            sum.down += now.down - holding.base.down
            sum.served += now.served - holding.base.served
            for (client, bytes) in now.byClient {
                sum.byClient[client, default: 0] += bytes - (holding.base.byClient[client] ?? 0)
            }
        }
        return sum
    }
}

extension Tariff {
    /// The least that usage can be worth, whatever the time of day.
    var cheapest: Tariff {
        var tariff = self
        func least(_ one: Price?, _ two: Price?) -> Price? {
            guard let one, let two else { return nil }
            return one.charge(for: 1 << 40) < two.charge(for: 1 << 40) ? one : two
        }
        for window in windows {
            tariff.rates.second = least(tariff.rates.second, window.rates.second)
            tariff.rates.byteUp = least(tariff.rates.byteUp, window.rates.byteUp)
            tariff.rates.byteDown = least(tariff.rates.byteDown, window.rates.byteDown)
        }
        tariff.windows = []
        return tariff
    }
}
