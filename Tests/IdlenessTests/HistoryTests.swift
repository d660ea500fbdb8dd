import HAL
import Idleness
import Primitives
import SimulatedHAL
import Testing

@Suite struct HistoryTests {
    /// A home: people use it by day and evening; of the night's minutes about 15 in a hundred have traffic. Phones send keep-alives
    /// always, every one to four minutes.
    @Test(arguments: [7, 99] as [UInt64])
    func aHomesWeekIsMinedInItsIdleMinutes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var board = QuietBoard(wall: try #require(WallTime("2026-11-23T00:00:00Z")))
        var (keepAlive, busyUntil) = (30, 0)
        var metMining = 0
        for second in 0..<7 * 86_400 {
            let hour = second / 3_600 % 24
            if second % 60 == 0, second >= busyUntil,
                random.chance((8..<23).contains(hour) ? 6 : 1, in: (8..<23).contains(hour) ? 10 : 18)
            {
                busyUntil = second + 60 * random.number((8..<23).contains(hour) ? 5...60 : 1...5)
            }
            var packets = second < busyUntil && random.chance(1, in: 2) ? random.number(1...2_000) : 0
            if second >= keepAlive {
                packets += random.number(1...8)
                keepAlive = second + random.number(60...240)
            }
            let wasMining = board.isMining
            let actions = board.second(packets: UInt64(packets))
            if wasMining, packets > 0 {
                metMining += 1
                #expect(actions.first == .yield, "seed \(seed), second \(second)")
            }
        }
        let (history, noon) = (board.decision.history, board.now)
        let week = history.week(at: Moment(boot: noon.boot, wall: WallTime("2026-11-29T23:59:59Z")!), utcOffsetMinutes: 0)
        #expect((604_000...604_800).contains(week.observed))
        #expect(try #require(week.minedPermille) > 900, "seed \(seed): \(week)")
        #expect(metMining > 500)
        // The night is idle, and the evening is not.
        let night = history.hours[2 * 24 + 3]
        let evening = history.hours[2 * 24 + 20]
        #expect(night.idle * 100 > night.observed * 70 && evening.idle * 100 < evening.observed * 50, "\(night) \(evening)")
    }

    /// Idle spells of a length, one an hour, each followed by as long a time of traffic.
    private func history(spells: Int, of seconds: Int, wall: WallTime = QuietBoard.noon) -> QuietBoard {
        var board = QuietBoard(nil, wall: wall)
        for _ in 0..<spells {
            board.seconds(seconds)
            board.seconds(90, packets: 100)
        }
        return board
    }

    @Test func anIdleSpellIsExpectedToLastAsThoseBeforeIt() throws {
        #expect(history(spells: 7, of: 300).decision.history.expectedIdle(at: QuietBoard().now, 0) == nil, "too little is known")
        let board = history(spells: 20, of: 300)
        let expected = try #require(board.decision.history.expectedIdle(at: board.now, 0))
        #expect((200...450).contains(expected.wholeSeconds))
        // One that goes on for longer than all others goes on as long again.
        var longer = board
        longer.seconds(2_000)
        let remaining = try #require(longer.decision.history.expectedIdle(at: longer.now, 0))
        #expect((1_900...2_010).contains(remaining.wholeSeconds))
    }

    @Test func preparingIsNotWorthItForAShortSpellUntilTheSpellIsLong() {
        var board = history(spells: 20, of: 60)
        board.reading.activity.memoryAvailable = ByteCount(bytes: 1_000 << 20)
        board.tell(.workerReady(.light, preparation: .seconds(60)))
        board.tell(.workerRefused("ended"))
        board.tell(.configured(IdleSettings()))
        board.seconds(30)
        #expect(!board.isMining)
        #expect(
            board.state.why.contains("is not worth 60 s of preparing; from 4 min it is")
                || board.state.why.contains("is not worth 60 s of preparing; from 240 s it is"), "\(board.state.why)")
        board.seconds(260)
        #expect(board.isMining, "\(board.state.why)")
        // What is prepared is woken for any spell.
        board.second(packets: 1)
        board.seconds(3)
        #expect(board.isMining)
    }

    @Test func minedOfIdleIsWhatIsPublished() throws {
        var board = QuietBoard.mining()
        board.seconds(600)
        board.tell(.ownerPaused(until: nil))
        board.seconds(600)
        board.seconds(60, packets: 1_000)
        let today = board.decision.history.today(at: board.now, utcOffsetMinutes: 0)
        #expect((1_255...1_270).contains(today.observed) && (1_195...1_210).contains(today.idle), "\(today)")
        #expect((480...520).contains(try #require(today.minedPermille)))
        #expect(board.decision.history.totals == today)
        let tomorrow = Moment(boot: board.now.boot, wall: WallTime(secondsSince1970: board.now.wall.secondsSince1970 + 86_400))
        #expect(board.decision.history.today(at: tomorrow, utcOffsetMinutes: 0) == IdleSeconds())
        #expect(board.decision.history.week(at: tomorrow, utcOffsetMinutes: 0) == today)
    }

    @Test func withoutAClockThereAreTotalsAndNoHours() {
        var board = QuietBoard(wall: WallTime(secondsSince1970: 50))
        board.seconds(600)
        let history = board.decision.history
        #expect(history.totals.observed == 599 || history.totals.observed == 600)
        #expect(history.totals.mined > 590)
        #expect(history.hours.allSatisfy { $0 == IdleSeconds() })
        #expect(history.week(at: board.now, utcOffsetMinutes: 0) == IdleSeconds())
    }

    @Test func whatNobodyWatchedIsNotCounted() {
        var board = QuietBoard.mining()
        let before = board.decision.history.totals.observed
        board.pass(.seconds(86_400))
        board.second()
        #expect(board.decision.history.totals.observed - before <= 62)
    }

    @Test func aHistoryIsKeptAsItsBytes() throws {
        var board = history(spells: 10, of: 100)
        let bytes = board.decision.history.canonicalBytes
        #expect(bytes.count < 8_192)
        let read = try IdleHistory(canonicalBytes: bytes)
        #expect(read.canonicalBytes == bytes && read.totals == board.decision.history.totals)
        var again = QuietBoard(history: read)
        again.seconds(100)
        #expect(again.decision.history.totals.observed >= board.decision.history.totals.observed + 98)
        board.seconds(1)
    }

    @Test func bytesThatCannotBeAHistoryAreRefused() throws {
        let bytes = history(spells: 1, of: 100).decision.history.canonicalBytes
        #expect(throws: CanonicalError.self) { try IdleHistory(canonicalBytes: bytes.dropLast()) }
        #expect(throws: CanonicalError.self) { try IdleHistory(canonicalBytes: bytes + [0]) }
        var version = bytes
        version[0] = 9
        #expect(throws: CanonicalError.self) { try IdleHistory(canonicalBytes: version) }
        var random = SplitMix64(seed: 5)
        var refused = 0
        for _ in 0..<200 {
            var broken = bytes
            broken[random.number(1...bytes.count - 1)] = UInt8(random.number(1...255))
            do throws(CanonicalError) {
                var board = QuietBoard(history: try IdleHistory(canonicalBytes: broken))
                board.seconds(3)
                _ = board.decision.history.canonicalBytes
            } catch { refused += 1 }
        }
        #expect(refused > 20 && refused < 200)
    }
}
