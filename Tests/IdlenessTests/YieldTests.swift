import HAL
import Idleness
import Primitives
import SimulatedHAL
import Testing

/// Clients come first, and mining does not flap.
@Suite struct YieldTests {
    private static let seeds: [UInt64] = [1, 2, 3, 0xfeed, UInt64.random(in: 0 ... .max)]

    /// Traffic of all kinds, each for a random time: none, lone packets at random or even intervals, a person, a flood.
    private func random(_ seed: UInt64, minutes: Int, _ look: (QuietBoard, [IdleAction], _ packets: UInt64) -> Void) -> QuietBoard
    {
        var random = SplitMix64(seed: seed)
        var board = QuietBoard()
        var (kind, until, period) = (0, 0, 1)
        for second in 0..<minutes * 60 {
            if second >= until {
                (kind, until, period) = (random.number(0...5), second + random.number(1...600), random.number(1...60))
            }
            let packets: Int =
                switch kind {
                case 0: 0
                case 1: random.chance(1, in: period) ? random.number(1...5) : 0
                case 2: second % period == 0 ? 1 : 0
                case 3: random.chance(1, in: 3) ? random.number(10...800) : 0
                case 4: random.number(1_000...100_000)
                default: second % (period / 4 + 3) == 0 ? random.number(1...30) : 0
                }
            board.others = random.chance(1, in: 20) ? random.number(0...1_000) : board.others
            if random.chance(1, in: 500) { board.others = 50 }
            let actions = board.second(packets: UInt64(packets))
            look(board, actions, UInt64(packets))
        }
        return board
    }

    @Test(arguments: seeds)
    func aMinuteHasFewChangesWhateverClientsDo(seed: UInt64) {
        let board = random(seed, minutes: 600) { _, _, _ in }
        let changes = board.actions.filter { $0.action != .release }.map(\.at)
        #expect(changes.count > 4, "seed \(seed): nothing happened")
        var (first, most) = (0, 0)
        for (last, at) in changes.enumerated() {
            while at - changes[first] >= .seconds(60) { first += 1 }
            most = max(most, last - first + 1)
        }
        #expect(most <= 12, "seed \(seed): \(most) changes in a minute")
    }

    @Test(arguments: seeds)
    func aPacketNeverFindsMiningForLongerThanOneEvent(seed: UInt64) {
        var met = 0
        var wasMining = false
        _ = random(seed, minutes: 600) { board, actions, packets in
            if packets > 0, wasMining {
                met += 1
                #expect(actions.first == .yield, "seed \(seed)")
            }
            wasMining = board.isMining
        }
        #expect(met > 0, "seed \(seed): no packet met mining")
    }

    @Test func interruptionsSoonAfterAStartDoubleTheWaitAndAQuietStretchBringsItBack() {
        var board = QuietBoard.mining()
        var waits: [Int] = []
        func interrupted(after seconds: Int) {
            board.seconds(seconds)
            board.second(packets: 1)
            var wait = 0
            while !board.isMining, wait < 1_000 {
                board.second()
                wait += 1
            }
            waits.append(wait)
        }
        interrupted(after: 60)
        for _ in 0..<9 { interrupted(after: 3) }
        #expect(waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
        waits = []
        interrupted(after: 300)
        interrupted(after: 60)
        interrupted(after: 1_200)
        #expect(waits == [32, 16, 2])
    }

    @Test func aPhoneThatIsOnlyThereCostsLittle() {
        var board = QuietBoard.mining()
        var mined = 0
        for second in 0..<3_600 {
            board.second(packets: second % 45 == 0 ? 6 : 0)
            if board.isMining { mined += 1 }
        }
        #expect(mined > 3_300, "mined \(mined) of 3600 s")
    }

    @Test func aPersonIsLeftAlone() {
        var board = QuietBoard.mining()
        var mined = 0
        for second in 0..<1_800 {
            board.second(packets: second % 8 == 0 ? 60 : 0)
            if board.isMining { mined += 1 }
        }
        #expect(mined == 0)
    }

    /// Without it a packet that nobody saw would let mining go on among clients.
    @Test func trafficThatWasSeenInTheCountersAloneStopsMiningToo() {
        var board = QuietBoard.mining()
        board.reading.activity.clientPackets += 100
        board.pass(.seconds(1))
        #expect(board.tell(.reading(board.reading)) == [.yield])
    }

    @Test(arguments: seeds)
    func theSameEventsGiveTheSame(seed: UInt64) {
        let (first, second) = (random(seed, minutes: 120) { _, _, _ in }, random(seed, minutes: 120) { _, _, _ in })
        #expect(
            first.actions.map(\.at) == second.actions.map(\.at) && first.actions.map(\.action) == second.actions.map(\.action))
        #expect(first.decision.history.canonicalBytes == second.decision.history.canonicalBytes)
        #expect(first.state == second.state)
    }
}
