import BoardControl
import Foundation
import HAL
import Lab
import LinuxHAL
import Primitives
import Synchronization
import Testing

/// A satellite receiver's sentences through the real gpsd.
extension BoardTests {
    /// What is known of the track, filtered as the station filters it.
    private final class Track: Sendable {
        private let state = Mutex(
            (filter: PositionFilter(accuracyLimit: 100_000), known: [KnownPosition](), failures: [HALError]()))
        var known: [KnownPosition] { state.withLock { $0.known } }
        var failures: [HALError] { state.withLock { $0.failures } }

        func note(_ event: PositionEvent, at now: Instant) {
            state.withLock { state in
                switch event {
                case .unavailable(let error): state.failures.append(error)
                case .report(let report):
                    for case .position(let known) in state.filter.handle(.report(report), at: now) { state.known.append(known) }
                }
            }
        }
    }

    /// gpsd as it is, gone, and back: what it says is what the receiver said.
    @Test func aTrackIsReadThroughGpsdAlsoAfterItDied() async throws {
        var patience = Gpsd.Patience()
        patience.pauses = .milliseconds(200) ... .seconds(1)
        let receiver = Gpsd(at: try #require(Endpoint(SatelliteReceiver.gpsd)), patience: patience)
        let (track, clocks) = (Track(), try LinuxClocks())
        let stream = try await receiver.events()
        let task = Task {
            for await event in stream { track.note(event, at: clocks.now().boot) }
        }
        defer { task.cancel() }
        try await Self.wait(for: "its absence to be told") {
            track.failures.last?.kind == .missing
        }

        for (life, steps) in [0..<12, 12..<24].enumerated() {
            let gpsd = try SatelliteReceiver.startGpsd()
            for number in steps {
                // UDP may come before gpsd listens to us: a step is told until it is known.
                let wanted = SatelliteReceiver.step(number)
                try await Self.wait(for: "step \(number)", every: .milliseconds(300), seconds: 30) {
                    if track.known.contains(where: { abs($0.position.latitude - wanted.north) <= 20 }) { return true }
                    SatelliteReceiver.send(wanted.sentences)
                    return false
                }
            }
            gpsd.close()
            try await Self.wait(for: "its death to be told") { track.failures.count > life + 1 }
        }
        let seen = track.known
        #expect(seen.allSatisfy { $0.mode >= .twoDimensional && ($0.position.accuracyMillimetres ?? 0) > 0 })
        for number in 0..<24 {
            let wanted = SatelliteReceiver.step(number)
            let found = try #require(seen.last { abs($0.position.latitude - wanted.north) <= 20 }, "step \(number)")
            #expect(abs(found.position.longitude - wanted.east) <= 20)
            #expect(found.time?.wall.description == "2026-11-23T12:00:\(number < 10 ? "0" : "")\(number)Z")
        }
        #expect(seen.map(\.position.latitude) == seen.map(\.position.latitude).sorted(), "in the order of the track")
    }
}
