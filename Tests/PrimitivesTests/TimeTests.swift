import Primitives
import SimulatedHAL
import Testing

@Suite struct WallTimeText {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56Z", 951_827_696), ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2038-01-19T03:14:08Z", 2_147_483_648), ("1969-12-31T23:59:59Z", -1), ("0000-01-01T00:00:00Z", -62_167_219_200),
            ("0001-01-01T00:00:00Z", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1900-03-01T00:00:00Z", -2_203_891_200), ("2100-02-28T23:59:59Z", 4_107_542_399),
        ] as [(String, Int64)])
    func isRFC3339(_ text: String, _ seconds: Int64) {
        #expect(WallTime(text)?.secondsSince1970 == seconds)
        #expect(WallTime(secondsSince1970: seconds).description == text)
    }

    @Test(arguments: [
        "", "2026", "2026-1-1", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-02-29", "1900-02-29",
        "2100-02-29", "2026-04-31", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00z", "2026-01-01T00:00:00+", "2026/01/01", "+026-01-01", "2026-01-0١",
        "2026-01-01T00:00:00.0Z", "-026-01-01",
    ])
    func refusesWhatIsNotATime(_ text: String) {
        #expect(WallTime(text) == nil)
    }

    @Test func readsADateAsItsMidnight() {
        #expect(WallTime("2026-11-23") == WallTime("2026-11-23T00:00:00Z"))
    }

    /// A clock set wrong on purpose must not write a time that cannot be read again: recovery reads it.
    @Test(arguments: [Int64.min, -62_167_219_201, 253_402_300_800, .max])
    func staysReadableBeyondFourDigitYears(_ seconds: Int64) {
        let time = WallTime(secondsSince1970: seconds)
        #expect(WallTime(time.description) != nil)
        #expect((0..<7).contains(time.civil(offsetMinutes: .max).weekday))
        #expect((0..<7).contains(time.civil(offsetMinutes: .min).weekday))
    }

    /// Known from calendars; weekday 0 is Monday.
    @Test(
        arguments: [
            ("1970-01-01", 0, 3), ("2000-01-01", 10_957, 5), ("2000-02-29", 11_016, 1), ("2000-03-01", 11_017, 2),
            ("2024-02-29", 19_782, 3), ("2026-11-23", 20_780, 0), ("1969-12-31", -1, 2), ("1600-03-01", -135_080, 2),
        ] as [(String, Int32, Int)])
    func knowsTheCalendar(_ date: String, _ day: Int32, _ weekday: Int) {
        let civil = WallTime(date)!.civil()
        #expect(civil.day == day)
        #expect(civil.weekday == weekday)
    }

    @Test func printsWhatItReads() {
        var random = SplitMix64(seed: 6)
        for _ in 0..<2_000 {
            let seconds = Int64(random.next() % 315_569_520_000) - 62_167_219_200
            let time = WallTime(secondsSince1970: seconds)
            #expect(WallTime(time.description) == time)
        }
    }

    @Test(
        arguments: [
            ("2026-11-23T23:30:00Z", 60, 1, 1_800), ("2026-11-23T00:30:00Z", -60, -1, 84_600),
            ("2026-11-23T12:00:00Z", 330, 0, 63_000),
        ] as [(String, Int, Int32, Int)])
    func shiftsTheLocalDay(_ text: String, _ offset: Int, _ dayChange: Int32, _ second: Int) {
        let time = WallTime(text)!
        let local = time.civil(offsetMinutes: offset)
        #expect(local.day == time.civil().day + dayChange)
        #expect(local.secondOfDay == second)
    }

    @Test func believesNoClockBeforeThisSoftware() {
        #expect(!WallTime(secondsSince1970: 0).isCredible)
        #expect(!WallTime("2025-12-31T23:59:59Z")!.isCredible)
        #expect(WallTime("2026-01-01")!.isCredible)
    }
}

@Suite struct Lengths {
    @Test func saturateInsteadOfTrapping() {
        #expect(Instant(nanoseconds: .max) - Instant(nanoseconds: -1) == Nanoseconds(.max))
        #expect(Instant(nanoseconds: .min) - Instant(nanoseconds: 1) == Nanoseconds(.min))
        #expect(Instant(nanoseconds: .max) + Nanoseconds(1) == Instant(nanoseconds: .max))
        #expect(Instant(nanoseconds: .min) + Nanoseconds(-1) == Instant(nanoseconds: .min))
        #expect(Nanoseconds.seconds(UInt64.max) == Nanoseconds(.max))
        #expect(Nanoseconds.seconds(Int64.min) == Nanoseconds(.min))
        #expect(Nanoseconds.milliseconds(UInt64.max) == Nanoseconds(.max))
        #expect(UInt64.max.saturatingAdd(1) == .max && UInt64(1).saturatingSubtract(2) == 0)
    }

    @Test func countWholeSecondsOnly() {
        #expect(Nanoseconds(1_999_999_999).wholeSeconds == 1)
        #expect(Nanoseconds(-1_000_000_000).wholeSeconds == 0)
        #expect(Nanoseconds.seconds(3).wholeSeconds == 3)
    }
}
