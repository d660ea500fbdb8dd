import HAL
import Idleness
import Primitives

/// A board whose seconds are told to a decision; a test changes what the next one reads.
struct QuietBoard {
    static let noon = WallTime("2026-11-23T12:00:00Z")!  // a Monday

    var decision: IdleDecision
    var now: Moment
    var reading: IdleReading
    /// Of all cores, in thousandths, that others use.
    var others = 50
    private(set) var actions: [(at: Instant, action: IdleAction)] = []

    init(_ settings: IdleSettings? = IdleSettings(), wall: WallTime = noon, history: IdleHistory = IdleHistory()) {
        now = Moment(boot: .zero + .seconds(100), wall: wall)
        decision = IdleDecision(settings, history: history, at: now)
        reading = IdleReading(
            activity: BoardActivity(
                clientPackets: 1_000, packetsDropped: 5, busy: .seconds(50), cores: 4,
                memoryAvailable: ByteCount(bytes: 3 << 30), memoryTotal: ByteCount(bytes: 4 << 30)))
    }

    var state: IdleState { decision.state(at: now) }
    var isMining: Bool { decision.isMining }

    @discardableResult
    mutating func tell(_ event: IdleEvent) -> [IdleAction] {
        let fresh = decision.handle(event, at: now)
        for action in fresh {
            actions.append((now.boot, action))
            if case .start(let mode) = action {
                if reading.workerTime == nil { reading.workerTime = .zero }
                reading.workerMemory = mode.memory
                _ = decision.handle(.workerReady(mode, preparation: .seconds(2)), at: now)
            }
            if action == .release { (reading.workerTime, reading.workerMemory) = (nil, ByteCount(bytes: 0)) }
        }
        return fresh
    }

    mutating func pass(_ interval: Nanoseconds) {
        let before = now.boot.nanoseconds / 1_000_000_000
        now.boot = now.boot + interval
        now.wall.secondsSince1970 += now.boot.nanoseconds / 1_000_000_000 - before
        let capacity = interval.count * 4
        let own = isMining ? capacity / 1_000 * Int64(1_000 - others) : 0
        reading.activity.busy += Nanoseconds(capacity / 1_000 * Int64(others) + own)
        if let time = reading.workerTime { reading.workerTime = time + Nanoseconds(own) }
    }

    /// A second passes, `packets` come in it, and then it is read. The first is seen at once.
    @discardableResult
    mutating func second(packets: UInt64 = 0) -> [IdleAction] {
        pass(.milliseconds(500))
        var all: [IdleAction] = []
        if packets > 0 {
            reading.activity.clientPackets += packets
            if isMining { all += tell(.packetSeen) }
        }
        pass(.milliseconds(500))
        return all + tell(.reading(reading))
    }

    mutating func seconds(_ count: Int, packets: UInt64 = 0) { for _ in 0..<count { second(packets: packets) } }

    /// A board that mines.
    static func mining(_ settings: IdleSettings = IdleSettings(), wall: WallTime = noon) -> QuietBoard {
        var board = QuietBoard(settings, wall: wall)
        board.seconds(5)
        return board
    }
}
