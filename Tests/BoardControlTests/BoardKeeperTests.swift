import BoardControl
import Foundation
import HAL
import Lab
import Logging
import Primitives
import SimulatedHAL
import Station
import Synchronization
import Testing

/// The whole board, simulated, under a clock that moves when it is told.
@Suite struct BoardKeeperTests {
    /// What the board had others do.
    private final class Ordered: Sendable {
        private let words = Mutex<[String]>([])
        var all: [String] { words.withLock { $0 } }
        func note(_ word: String) { words.withLock { $0.append(word) } }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set(_ isSet: Bool) { value.store(isSet, ordering: .releasing) }
    }

    private struct Site {
        let station = SimulatedStation(seed: 1)
        let board: SimulatedBoard
        let keeper: BoardKeeper
        let ordered = Ordered()
        let radioHangs = Flag()

        init() {
            board = SimulatedBoard(clocks: station.clocks)
            var orders = BoardOrders()
            orders.transmitPower = { [ordered, radioHangs] step in
                // Ended by the station's end: what was waited for is cancelled then.
                while radioHangs.isSet, (try? await Task.sleep(for: .milliseconds(1))) != nil {}
                ordered.note("\(step)")
            }
            orders.mining = { [ordered] in ordered.note($0 ? "mine" : "no mining") }
            orders.factoryReset = { [ordered] in ordered.note("reset") }
            keeper = BoardKeeper(
                parts: BoardParts(panel: board, position: board, thermal: board), settings: BoardSettings(),
                clocks: station.clocks, orders: orders, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        func heat(_ degrees: Int32) { board.set([Temperature(name: "cpu", milliCelsius: degrees * 1_000)]) }

        /// Virtual time goes on in steps until it is so.
        func pass(_ what: String, step: Nanoseconds = .milliseconds(50), until condition: () async -> Bool) async throws {
            try await waitUntil(what, timeout: .seconds(60), every: .milliseconds(1)) {
                if await condition() { return true }
                station.advance(by: step)
                return false
            }
        }

        func pass(_ time: Nanoseconds, step: Nanoseconds = .milliseconds(50)) async throws {
            let end = station.clocks.now().boot + time
            try await pass("\(time.count) ns", step: step) { station.clocks.now().boot >= end }
        }

        /// With the keeper at work, and stopped at the end.
        func run(_ body: (Site) async throws -> Void) async throws {
            heat(40)
            let task = Task { try await keeper.run() }
            try await pass("the first look") { board.isOn(.fan) != nil && board.isOn(.statusLight) != nil }
            do { try await body(self) } catch {
                task.cancel()
                throw error
            }
            task.cancel()
            try await task.value
        }
    }

    @Test func theLightSaysWhatTheStationIs() async throws {
        try await Site().run { site in
            #expect(site.board.isOn(.statusLight) == false && site.board.isOn(.radioEnable) == true)
            #expect(site.board.isOn(.amplifierEnable) == true && site.board.isOn(.fan) == false)
            await site.keeper.show(.serving)
            #expect(site.board.isOn(.statusLight) == true)
            let before = site.board.timesSet(.statusLight)
            try await site.pass(.seconds(5))
            #expect(site.board.timesSet(.statusLight) == before, "a steady light is left alone")
            await site.keeper.identify()
            #expect(await site.keeper.lightSignal() == .identify)
            try await site.pass(.seconds(5))
            #expect(site.board.timesSet(.statusLight) - before > 20, "it blinks")
            try await site.pass("the blinking to end", step: .seconds(1)) { await site.keeper.lightSignal() == .serving }
            try await site.pass("the light") { site.board.isOn(.statusLight) == true }
        }
    }

    @Test func whenTheStationStopsTheLightIsDarkAndTheRadioStaysOn() async throws {
        let site = Site()
        try await site.run { site in
            await site.keeper.show(.serving)
            await site.keeper.identify()
        }
        #expect(site.board.isOn(.statusLight) == false && site.board.isOn(.radioEnable) == true)
    }

    @Test func aShortPressIdentifiesAndALongOneResetsOnce() async throws {
        try await Site().run { site in
            site.board.press()
            try await site.pass(.milliseconds(400))
            site.board.release()
            try await site.pass("identify") { await site.keeper.lightSignal() == .identify }
            try await site.pass(.seconds(40), step: .seconds(1))
            for _ in 0..<2 {
                site.board.press()
                try await site.pass("the countdown") { await site.keeper.lightSignal() == .countdownSlow }
                site.board.release()
                try await site.pass("its end") { await site.keeper.lightSignal() == .off }
            }
            #expect(site.ordered.all == [])
            site.board.press()
            try await site.pass("the reset") { site.ordered.all == ["reset"] }
            #expect(await site.keeper.lightSignal() == .resetting)
            try await site.pass(.seconds(30), step: .milliseconds(500))
            #expect(site.ordered.all == ["reset"])
        }
    }

    @Test func aLettingGoThatWasLostResetsNothing() async throws {
        try await Site().run { site in
            site.board.press()
            try await site.pass("the countdown") { await site.keeper.lightSignal() == .countdownSlow }
            site.board.begin(.edgesLost)
            site.board.release()
            try await site.pass("the end of the countdown") { await site.keeper.lightSignal() == .off }
            try await site.pass(.seconds(20), step: .milliseconds(500))
            #expect(site.ordered.all == [])
        }
    }

    @Test func aButtonThatGoesComesBack() async throws {
        try await Site().run { site in
            site.board.press()
            try await site.pass("the countdown") { await site.keeper.lightSignal() == .countdownSlow }
            site.board.begin(.gpioGone)
            try await site.pass("the alert") { await site.keeper.alerts().contains { $0.contains("reset button is gone") } }
            try await site.pass(.seconds(20), step: .milliseconds(500))
            #expect(site.ordered.all == [], "who holds it cannot be known to hold it still")
            // The light that could not be switched is tried again, too.
            await site.keeper.show(.serving)
            site.board.end(.gpioGone)
            try await site.pass("all to work", step: .seconds(1)) { await site.keeper.alerts().isEmpty }
            #expect(site.board.isOn(.statusLight) == true)
            site.board.release()
            site.board.press()
            try await site.pass("the reset") { site.ordered.all == ["reset"] }
        }
    }

    @Test func heatIsAnsweredInItsOrderAndTakenBack() async throws {
        try await Site().run { site in
            site.heat(80)
            try await site.pass("no mining", step: .seconds(1)) { site.ordered.all.contains("no mining") }
            #expect(site.ordered.all == ["half", "quarter", "no mining"] && site.board.isOn(.fan) == true)
            #expect(await site.keeper.temperature() == Temperature(name: "cpu", milliCelsius: 80_000))
            site.heat(91)
            try await site.pass("the minimum", step: .seconds(1)) { site.ordered.all.last == "minimum" }
            site.heat(40)
            try await site.pass("full power", step: .seconds(1)) { site.ordered.all.last == "full" }
            #expect(site.ordered.all == ["half", "quarter", "no mining", "minimum", "quarter", "mine", "half", "full"])
            #expect(site.board.isOn(.fan) == false)
        }
    }

    @Test func aRadioThatHangsHoldsNeitherTheLightNorTheFan() async throws {
        try await Site().run { site in
            site.radioHangs.set(true)
            site.heat(95)
            try await site.pass("the fan", step: .seconds(1)) { site.board.isOn(.fan) == true }
            await site.keeper.identify()
            let before = site.board.timesSet(.statusLight)
            try await site.pass("blinking") { site.board.timesSet(.statusLight) > before + 20 }
            site.heat(40)
            try await site.pass("the fan's end", step: .seconds(1)) { site.board.isOn(.fan) == false }
            #expect(site.ordered.all == [])
            site.radioHangs.set(false)
            try await site.pass("the orders", step: .seconds(1)) { site.ordered.all.last == "full" }
            #expect(site.ordered.all.prefix(4) == ["half", "quarter", "no mining", "minimum"])
        }
    }

    @Test func sensorsThatFailTurnTheFanOn() async throws {
        try await Site().run { site in
            site.board.begin(.sensorsUnreadable)
            try await site.pass("the fan", step: .seconds(1)) { site.board.isOn(.fan) == true }
            #expect(await site.keeper.temperature() == nil)
            #expect(await site.keeper.alerts().count == 1)
            site.board.end(.sensorsUnreadable)
            try await site.pass("the sensors", step: .seconds(1)) { await site.keeper.alerts().isEmpty }
            try await site.pass("the fan", step: .seconds(1)) { site.board.isOn(.fan) == false }
            #expect(site.ordered.all == [])
        }
    }

    @Test func thePositionIsKnownWhileItIsFresh() async throws {
        try await Site().run { site in
            let position = try #require(Position(latitude: 1, longitude: 2, accuracyMillimetres: 3_000))
            let report = PositionReport(mode: .threeDimensional, position: position, time: nil)
            try await site.pass("the receiver") {
                site.board.receive(report)
                return await site.keeper.position()?.position == position
            }
            site.board.begin(.receiverGone)
            try await site.pass("the alert") { await site.keeper.alerts().count == 1 }
            #expect(await site.keeper.position() != nil, "what it said is still so")
            try await site.pass("its age", step: .seconds(1)) { await site.keeper.position() == nil }
            site.board.end(.receiverGone)
            try await site.pass("the receiver", step: .seconds(1)) {
                site.board.receive(report)
                return await site.keeper.position() != nil
            }
            #expect(await site.keeper.alerts().isEmpty)
        }
    }

    @Test func aBoardWithoutAnythingIsKeptToo() async throws {
        let station = SimulatedStation(seed: 1)
        let keeper = BoardKeeper(
            parts: BoardParts(), settings: BoardSettings(), clocks: station.clocks,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await keeper.run() }
        await keeper.show(.serving)
        await keeper.identify()
        station.advance(by: .seconds(100))
        #expect(await keeper.temperature() == nil)
        #expect(await keeper.position() == nil)
        #expect(await keeper.alerts() == [])
        task.cancel()
        try await task.value
    }
}
