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
    private static let sentencePort: UInt16 = 2959

    /// A track north-east, a step a second, as a receiver tells it; north and east are in 1e-7 degrees.
    private static func step(_ number: Int) -> (sentences: String, north: Int32, east: Int32) {
        let time = "1200" + (number < 10 ? "0\(number)" : "\(number)")
        // Minutes with four decimals: a ten-thousandth is 16.67 of our units.
        let (north, east) = (31_0000 + number * 10, 23_0000 + number * 20)
        func minutes(_ value: Int) -> String { "\(value / 10_000).\(String(format: "%04d", value % 10_000))" }
        let place = "52\(minutes(north)),N,013\(minutes(east)),E"
        let sentences = [
            "GPGGA,\(time).00,\(place),1,08,0.9,34.0,M,45.0,M,,", "GPGSA,A,3,01,02,03,04,05,06,07,08,,,,,1.6,0.9,1.3",
            "GPRMC,\(time).00,A,\(place),1.0,10.0,231126,,,A",
        ].map { body in "$\(body)*\(String(format: "%02X", body.utf8.reduce(UInt8(0), ^)))\r\n" }
        return (sentences.joined(), Int32(520_000_000 + north * 1_000 / 60), Int32(130_000_000 + east * 1_000 / 60))
    }

    /// One datagram to gpsd.
    private static func send(_ text: String) {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = sentencePort.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let bytes = Array(text.utf8)
        _ = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func startGpsd() throws -> LabProcess {
        let gpsd = try start(["gpsd", "-N", "-n", "-S", "2958", "udp://127.0.0.1:\(sentencePort)"])
        try waitUntil("gpsd to listen", timeout: .seconds(30)) {
            // 0B8E is 2958, 0A is LISTEN.
            try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).contains("0100007F:0B8E 00000000:0000 0A")
        }
        return gpsd
    }

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
        let receiver = Gpsd(at: try #require(Endpoint("127.0.0.1:2958")), patience: patience)
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
            let gpsd = try Self.startGpsd()
            for number in steps {
                // UDP may come before gpsd listens to us: a step is told until it is known.
                let wanted = Self.step(number)
                try await Self.wait(for: "step \(number)", every: .milliseconds(300), seconds: 30) {
                    if track.known.contains(where: { abs($0.position.latitude - wanted.north) <= 20 }) { return true }
                    Self.send(wanted.sentences)
                    return false
                }
            }
            gpsd.close()
            try await Self.wait(for: "its death to be told") { track.failures.count > life + 1 }
        }
        let seen = track.known
        #expect(seen.allSatisfy { $0.mode >= .twoDimensional && ($0.position.accuracyMillimetres ?? 0) > 0 })
        for number in 0..<24 {
            let wanted = Self.step(number)
            let found = try #require(seen.last { abs($0.position.latitude - wanted.north) <= 20 }, "step \(number)")
            #expect(abs(found.position.longitude - wanted.east) <= 20)
            #expect(found.time?.wall.description == "2026-11-23T12:00:\(number < 10 ? "0" : "")\(number)Z")
        }
        #expect(seen.map(\.position.latitude) == seen.map(\.position.latitude).sorted(), "in the order of the track")
    }
}
