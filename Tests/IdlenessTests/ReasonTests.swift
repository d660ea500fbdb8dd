import HAL
import Idleness
import Primitives
import Testing

/// Every reason comes, is told in words, and goes.
@Suite struct ReasonTests {
    @Test func aQuietBoardIsMinedAtOnceAndSaysWhy() {
        var board = QuietBoard()
        #expect(!board.isMining && board.state.why == "what the board does was not read yet")
        #expect(board.second() == [.start(.fast)])
        #expect(board.isMining && board.state.reasons == [] && board.state.mode == .fast)
        #expect(board.state.why == "the board is idle: no client used the network")
        board.reading.sessions = 2
        board.second()
        #expect(board.isMining, "a silent session forbids nothing")
        #expect(board.state.why.hasSuffix("2 sessions are open and silent"))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var words: String
        var seconds = 1
        var secondsBack = 320
        var releases = false
        var begin: @Sendable (inout QuietBoard) -> Void
        var end: @Sendable (inout QuietBoard) -> Void
        var testDescription: String { words }
    }

    static let cases: [Case] = [
        Case(
            words: "off: mining is not configured", releases: true,
            begin: { $0.tell(.configured(nil)) }, end: { $0.tell(.configured(IdleSettings())) }),
        Case(
            words: "paused by the owner until resumed", releases: true,
            begin: { $0.tell(.ownerPaused(until: nil)) }, end: { $0.tell(.ownerResumed) }),
        Case(
            words: "paused by the owner until 12:10", secondsBack: 700, releases: true,
            begin: { $0.tell(.ownerPaused(until: $0.now.boot + .seconds(600))) }, end: { _ in }),
        Case(
            words: "the worker cannot run: no such file; tried again in 9 min", secondsBack: 10, releases: true,
            begin: { $0.tell(.workerRefused("no such file")) },
            end: { $0.tell(.workerReady(.fast, preparation: .seconds(2))) }),
        Case(
            words: "the worker cannot run: killed; tried again in 9 min", secondsBack: 700, releases: true,
            begin: { $0.tell(.workerRefused("killed")) }, end: { _ in }),
        Case(
            words: "312 MiB of memory are free and light mode needs 384", releases: true,
            begin: {
                $0.reading.activity.memoryAvailable = ByteCount(bytes: 312 << 20)
                $0.reading.workerMemory = ByteCount(bytes: 0)
                $0.second()
            }, end: { $0.reading.activity.memoryAvailable = ByteCount(bytes: 3 << 30) }),
        Case(
            words: "the board has 240 MiB of memory and mining needs a board with 500", releases: true,
            begin: { $0.reading.activity.memoryTotal = ByteCount(bytes: 240 << 20) },
            end: { $0.reading.activity.memoryTotal = ByteCount(bytes: 4 << 30) }),
        Case(
            words: "on battery (64 %)", begin: { $0.reading.power = PowerState(source: .battery, capacityPercent: 64) },
            end: { $0.reading.power = PowerState(source: .mains, capacityPercent: 64) }),
        Case(
            words: "the temperature cannot be read", begin: { $0.reading.temperatures = nil },
            end: { $0.reading.temperatures = [] }),
        Case(
            words: "82 °C; mining goes on below 62 °C",
            begin: {
                $0.reading.temperatures = [
                    Temperature(name: "a", milliCelsius: 40_000), Temperature(name: "b", milliCelsius: 82_000),
                ]
            }, end: { $0.reading.temperatures = [Temperature(name: "a", milliCelsius: 61_999)] }),
        Case(
            words: "packets were dropped 1 s ago: the network is congested",
            begin: {
                $0.reading.activity.packetsDropped += 11
                $0.second()
            }, end: { _ in }),
        Case(
            words: "other programs use 63 % of the processor; mining goes on below 20 %", seconds: 6,
            begin: { $0.others = 630 }, end: { $0.others = 100 }),
        Case(
            words: "a client sent a packet 0 s ago; mining goes on after 4 s of quiet", seconds: 1,
            begin: {
                $0.second(packets: 1)
                $0.pass(.zero - .milliseconds(1_000))
            }, end: { $0.pass(.seconds(1)) }),
        Case(
            words: "clients use the network, last 3 s ago; mining goes on after 20 s of quiet", seconds: 3,
            begin: { $0.second(packets: 500) }, end: { _ in }),
    ]

    @Test(arguments: cases)
    func eachReasonStopsMiningSaysSoAndGoes(what: Case) {
        var board = QuietBoard.mining()
        #expect(board.isMining)
        what.begin(&board)
        board.seconds(what.seconds)
        #expect(!board.isMining)
        #expect(board.state.why == what.words)
        let stops = board.actions.dropFirst().map(\.action)
        #expect(stops == (what.releases ? [.yield, .release] : [.yield]))
        what.end(&board)
        board.seconds(what.secondsBack)
        #expect(board.isMining, "\(board.state.why)")
    }

    @Test func aReadingThatIsMissingStopsMining() {
        var board = QuietBoard.mining()
        board.pass(IdleDecision.staleAfter)
        #expect(board.tell(.ownerResumed) == [.yield])
        #expect(board.state.why == "what the board does was last read 15 s ago")
    }

    @Test func allReasonsAreTold() {
        var board = QuietBoard.mining()
        board.reading.temperatures = [Temperature(name: "a", milliCelsius: 90_000)]
        board.reading.power = PowerState(source: .battery)
        board.second(packets: 400)
        #expect(board.state.reasons.count == 3)
        #expect(board.state.reasons[0] == "on battery" && board.state.reasons[2].hasPrefix("clients use the network"))
    }

    @Test(arguments: [
        (hours: ["22:00-07:00"], wall: "2026-11-23T21:59:50Z", offset: 0, why: "22:00" as String?),
        (["22:00-07:00"], "2026-11-23T22:00:00Z", 0, nil), (["22:00-07:00"], "2026-11-23T03:00:00Z", 0, nil),
        (["22:00-07:00"], "2026-11-23T07:00:00Z", 0, "22:00"), (["22:00-07:00"], "2026-11-23T21:00:00Z", 60, nil),
        (["22:00-07:00"], "2026-11-23T06:00:00Z", 60, "22:00"),
        (["08:00-09:00", "13:00-14:00"], "2026-11-23T10:00:00Z", 0, "13:00"),
        (["08:00-09:00", "13:00-14:00"], "2026-11-23T20:00:00Z", 0, "08:00"), (["05:00-05:00"], "2026-11-23T20:00:00Z", 0, nil),
        (["20:00-24:00"], "2026-11-23T23:59:00Z", 0, nil),
    ])
    func theOwnersHoursAreKept(hours: [String], wall: String, offset: Int, why: String?) throws {
        var settings = IdleSettings()
        settings.hours = try hours.map { try #require(DailyHours($0)) }
        settings.utcOffsetMinutes = offset
        var board = QuietBoard(settings, wall: try #require(WallTime(wall)))
        board.second()
        #expect(board.isMining == (why == nil))
        guard let why else { return }
        #expect(
            board.state.why
                == "outside the hours that the owner allows (\(settings.hours.map(\.description).joined(separator: ", "))), next at \(why)"
        )
    }

    @Test func withoutAClockTheHoursAreUnknown() throws {
        var settings = IdleSettings()
        settings.hours = [try #require(DailyHours("22:00-07:00"))]
        var board = QuietBoard(settings, wall: WallTime(secondsSince1970: 82_000))
        board.second()
        #expect(board.state.why == "the clock is not set, so the hours that the owner allows are unknown")
        var always = QuietBoard(IdleSettings(), wall: WallTime(secondsSince1970: 82_000))
        always.second()
        #expect(always.isMining, "who allows all hours needs no clock")
    }

    @Test(arguments: ["", "22:00", "22:00-25:00", "24:00-07:00", "2200-0700", "22:00-07:00-08:00", "22:60-07:00", "é2:00-07:00"])
    func whatIsNoSpanOfTheDayIsRefused(text: String) { #expect(DailyHours(text) == nil) }

    @Test(arguments: [(64, UInt8(80), false), (80, 80, true), (nil, 80, false)] as [(UInt8?, UInt8, Bool)])
    func aBatteryIsUsedAboveWhatTheOwnerAllows(charge: UInt8?, minimum: UInt8, mines: Bool) {
        var settings = IdleSettings()
        settings.batteryMinimum = minimum
        var board = QuietBoard(settings)
        board.reading.power = PowerState(source: .battery, capacityPercent: charge)
        board.second()
        #expect(board.isMining == mines)
    }

    @Test func heatAndLoadHaveHysteresis() {
        var board = QuietBoard.mining()
        board.reading.temperatures = [Temperature(name: "a", milliCelsius: 70_000)]
        board.second()
        board.reading.temperatures = [Temperature(name: "a", milliCelsius: 62_000)]
        board.seconds(400)
        #expect(board.state.why == "62 °C; mining goes on below 62 °C")
        board.reading.temperatures = []
        board.others = 410
        board.seconds(3)
        #expect(board.isMining, "a moment of work is no load")
        board.seconds(3)
        #expect(!board.isMining)
        board.others = 250
        board.seconds(400)
        #expect(board.state.why.hasPrefix("other programs use 25 %"))
        board.others = 190
        board.seconds(400)
        #expect(board.isMining)
    }

    @Test(arguments: [
        (UInt64(4_096), UInt64(3_000), MiningMode?.some(.fast)), (4_096, 2_400, .light), (1_024, 384, .light), (1_024, 383, nil),
        (512, 400, .light), (499, 480, nil),
    ])
    func theModeIsTheFastestThatFits(total: UInt64, available: UInt64, mode: MiningMode?) {
        var board = QuietBoard()
        board.reading.activity.memoryTotal = ByteCount(bytes: total << 20)
        board.reading.activity.memoryAvailable = ByteCount(bytes: available << 20)
        board.second()
        #expect(board.state.mode == mode && board.isMining == (mode != nil))
    }

    @Test func whereTheDatasetNoLongerFitsMiningGoesOnInLightMode() {
        var board = QuietBoard.mining()
        #expect(board.state.mode == .fast)
        board.reading.activity.memoryAvailable = ByteCount(bytes: 20 << 20)  // beside the worker's 2,336
        #expect(board.second() == [.yield, .release])
        #expect(board.state.why == "2356 MiB of memory are free and fast mode needs 2336" || !board.isMining)
        board.reading.activity.memoryAvailable = ByteCount(bytes: 1_000 << 20)
        board.seconds(10)
        #expect(board.isMining && board.state.mode == .light)
    }
}
