import BoardControl
import Primitives
import Testing

/// What somebody who looks at the light sees.
@Suite struct StatusLightTests {
    /// The light, which is on, looked at every 50 ms: `#` for on, `.` for off.
    private static func seen(_ light: inout StatusLight, from start: Instant, milliseconds: Int) -> String {
        var (isOn, text) = (true, "")
        for step in 0..<(milliseconds / 50) {
            let now = start + .milliseconds(step * 50)
            for case .turn(let on) in light.handle(.time, at: now) { isOn = on }
            text += isOn ? "#" : "."
        }
        return text
    }

    @Test(arguments: [
        (LightSignal.off, String(repeating: ".", count: 40)), (.serving, String(repeating: "#", count: 40)),
        (.resetting, String(repeating: "#", count: 40)),
        (.noUplink, String(repeating: "#", count: 20) + String(repeating: ".", count: 20)),
        (.fault, "####....####" + String(repeating: ".", count: 24) + "####"),
        (.countdownSlow, "##" + String(repeating: ".", count: 18) + "##" + String(repeating: ".", count: 18)),
        (.countdownMiddle, String(repeating: "##........", count: 4)),
        (.identify, String(repeating: "##..", count: 10)), (.countdownFast, String(repeating: "##..", count: 10)),
    ]) func aSignalLooksAsTheTableSays(_ signal: LightSignal, _ picture: String) {
        let text = (0..<40).map { signal.pattern.state(after: .milliseconds($0 * 50)).isOn ? "#" : "." }.joined()
        #expect(text == picture)
    }

    @Test func theLightIsSwitchedOnlyWhenItChanges() {
        var light = StatusLight()
        #expect(light.handle(.time, at: .zero) == [.turn(on: false)])
        #expect(light.wakesAt == nil)
        #expect(light.handle(.condition(.serving), at: Instant(nanoseconds: 5)) == [.turn(on: true)])
        #expect(light.handle(.condition(.serving), at: Instant(nanoseconds: 6)) == [])
        #expect(light.wakesAt == nil)
        #expect(light.handle(.condition(.noUplink), at: .zero + .seconds(1)) == [])
        #expect(light.wakesAt == .zero + .seconds(2))
        // Told the same again, the pattern does not begin anew.
        #expect(light.handle(.condition(.noUplink), at: .zero + .milliseconds(1_900)) == [])
        #expect(light.handle(.time, at: .zero + .seconds(2)) == [.turn(on: false)])
        #expect(light.wakesAt == .zero + .seconds(3))
    }

    @Test func whoWakesWhenItAsksMissesNothing() {
        for signal in LightSignal.allCases {
            var (light, isOn, now) = (StatusLight(), false, Instant.zero)
            for case .turn(let on) in light.handle(.condition(signal), at: now) { isOn = on }
            while now < .zero + .seconds(10) {
                let next = light.wakesAt ?? now + .seconds(20)
                let between = Instant(nanoseconds: (now.nanoseconds + next.nanoseconds) / 2)
                #expect(signal.pattern.state(after: between - .zero).isOn == isOn, "\(signal) at \(between)")
                now = next
                for case .turn(let on) in light.handle(.time, at: now) { isOn = on }
            }
        }
    }

    @Test func identifyEndsAndTheButtonGoesFirst() {
        var light = StatusLight()
        _ = light.handle(.condition(.serving), at: .zero)
        _ = light.handle(.identify, at: .zero + .seconds(1))
        #expect(light.signal == .identify)
        #expect(Self.seen(&light, from: .zero + .seconds(1), milliseconds: 400) == "##..##..")
        _ = light.handle(.button(.countdownSlow), at: .zero + .seconds(2))
        #expect(light.signal == .countdownSlow)
        _ = light.handle(.button(nil), at: .zero + .seconds(3))
        #expect(light.signal == .identify)
        _ = light.handle(.time, at: .zero + .milliseconds(30_100))
        #expect(light.signal == .identify)
        #expect(light.handle(.time, at: .zero + .seconds(31)) == [.turn(on: true)])
        #expect(light.signal == .serving)
    }
}
