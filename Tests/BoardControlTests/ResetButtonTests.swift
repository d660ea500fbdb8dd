import BoardControl
import HAL
import Primitives
import Testing

@Suite struct ResetButtonTests {
    /// Plays edges (milliseconds; down, up, down, ...) and wakes the button when it asks. What came of it, with its time.
    private static func play(_ edges: [Int], until end: Int = 20_000) -> [(at: Int, action: ResetButton.Action)] {
        var (button, done) = (ResetButton(), [(at: Int, action: ResetButton.Action)]())
        var left = edges.enumerated().map { (at: Instant.zero + .milliseconds($1), isPressed: $0 % 2 == 0) }
        let last = Instant.zero + .milliseconds(end)
        while true {
            let wake = button.wakesAt ?? last
            let edge = left.first.flatMap { $0.at <= wake ? $0 : nil }
            let now = edge?.at ?? min(wake, last)
            if edge != nil { left.removeFirst() }
            let actions = button.handle(edge.map { .edge(isPressed: $0.isPressed) } ?? .time, at: now)
            done += actions.map { (Int(now.nanoseconds / 1_000_000), $0) }
            if edge == nil, now >= last { return done }
        }
    }

    private static let countdown: [(Int, ResetButton.Action)] = [
        (2_000, .light(.countdownSlow)), (5_000, .light(.countdownMiddle)), (8_000, .light(.countdownFast)),
    ]

    @Test(
        arguments: [
            ("short", [100, 400], [(430, .identify)]),
            ("just short", [0, 1_999], [(2_029, .identify)]),
            ("a touch that is noise", [100, 120], []),
            ("bouncing, down and up", [100, 105, 110, 112, 120, 500, 505, 510], [(540, .identify)]),
            ("held a while", [0, 2_500], [(2_000, .light(.countdownSlow)), (2_530, .light(nil))]),
            ("let go at the last moment", [0, 9_999], countdown + [(10_029, .light(nil))]),
            ("held long enough", [0, 11_000], countdown + [(10_000, .light(.resetting)), (10_000, .factoryReset)]),
            ("held for ever", [0], countdown + [(10_000, .light(.resetting)), (10_000, .factoryReset)]),
            (
                "a bounce in the middle is no letting go", [0, 6_000, 6_010, 15_000],
                countdown + [(10_000, .light(.resetting)), (10_000, .factoryReset)]
            ),
            ("two short ones", [0, 300, 1_000, 1_300], [(330, .identify), (1_330, .identify)]),
            ("let go only", [], []),
            (
                "a short one after a reset", [0, 11_000, 12_000, 12_300],
                countdown + [(10_000, .light(.resetting)), (10_000, .factoryReset), (12_000, .light(nil)), (12_330, .identify)]
            ),
        ] as [(String, [Int], [(Int, ResetButton.Action)])])
    func aPressMeansWhatTheTableSays(_ name: String, _ edges: [Int], _ wanted: [(Int, ResetButton.Action)]) {
        let found = Self.play(edges)
        #expect(found.map(\.at) == wanted.map(\.0) && found.map(\.action) == wanted.map(\.1), "\(name): \(found)")
    }

    @Test func whatIsLostIsNotHeld() {
        var button = ResetButton()
        _ = button.handle(.edge(isPressed: true), at: .zero)
        _ = button.handle(.time, at: .zero + .seconds(9))
        #expect(button.handle(.lost, at: .zero + .milliseconds(9_500)) == [.light(nil)])
        #expect(button.handle(.time, at: .zero + .seconds(30)) == [] && button.wakesAt == nil)
        // An edge that says nothing new, as after one that was lost.
        #expect(button.handle(.edge(isPressed: false), at: .zero + .seconds(31)) == [])
    }
}
