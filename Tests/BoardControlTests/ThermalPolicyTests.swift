import BoardControl
import Primitives
import Testing

@Suite struct ThermalPolicyTests {
    private static let limits = ThermalPolicy.Limits(fan: 50_000, hot: 70_000, critical: 90_000)

    private typealias Timed = (at: Int, action: ThermalPolicy.Action)

    /// A reading every five seconds, in degrees.
    private static func play(_ degrees: [Int]) -> (actions: [Timed], rung: ThermalPolicy.Rung) {
        var (policy, found) = (ThermalPolicy(limits: limits), [Timed]())
        for (step, degree) in degrees.enumerated() {
            let actions = policy.handle(.reading(Int32(degree * 1_000)), at: .zero + .seconds(step * 5))
            found += actions.map { (step * 5, $0) }
        }
        return (found, policy.rung)
    }

    private static func steady(_ degree: Int, seconds: Int) -> [Int] { Array(repeating: degree, count: seconds / 5) }

    @Test func heatTakesPowerFirstAndMiningThenAndGivesBackInReverse() {
        let (found, rung) = Self.play(
            Self.steady(75, seconds: 120) + Self.steady(95, seconds: 30) + Self.steady(60, seconds: 200))
        let wanted: [Timed] = [
            (0, .fan(on: true)), (0, .transmitPower(.half)), (30, .transmitPower(.quarter)), (60, .mining(false)),
            (120, .transmitPower(.minimum)),
            (150, .transmitPower(.quarter)), (180, .mining(true)), (210, .transmitPower(.half)), (240, .transmitPower(.full)),
        ]
        #expect(found.map(\.at) == wanted.map(\.at) && found.map(\.action) == wanted.map(\.action), "\(found)")
        #expect(rung == .normal)
    }

    @Test func whatIsCriticalIsDoneAtOnceInTheSameOrder() {
        let (found, rung) = Self.play([40, 95])
        #expect(
            found.map(\.action) == [
                .fan(on: false), .fan(on: true), .transmitPower(.half), .transmitPower(.quarter), .mining(false),
                .transmitPower(.minimum),
            ])
        #expect(rung == .critical)
    }

    /// A temperature that swings about a threshold changes nothing more than once.
    @Test(arguments: [(49, 50), (46, 50), (45, 51)]) func theFanDoesNotChatter(low: Int, high: Int) {
        let swings = [high] + (0..<100).map { $0 % 2 == 0 ? low : high }
        #expect(Self.play(swings).actions.map(\.action) == [.fan(on: true)])
        #expect(Self.play([high, 44, high]).actions.map(\.action) == [.fan(on: true), .fan(on: false), .fan(on: true)])
    }

    @Test(arguments: [(66, 71), (65, 70)]) func theLadderDoesNotChatter(low: Int, high: Int) {
        let (found, rung) = Self.play((0..<200).map { $0 % 2 == 0 ? high : low })
        #expect(found.map(\.action) == [.fan(on: true), .transmitPower(.half), .transmitPower(.quarter), .mining(false)])
        #expect(rung == .hot)
    }

    @Test(arguments: [(88, 90), (85, 95)]) func theTopDoesNotChatter(low: Int, high: Int) {
        let (found, rung) = Self.play((0..<200).map { $0 % 2 == 0 ? high : low })
        #expect(found.filter { $0.action == .transmitPower(.minimum) }.count == 1)
        #expect(rung == .critical)
    }

    @Test func aRungBetweenTheThresholdsIsKept() {
        let (found, rung) = Self.play([71] + Self.steady(67, seconds: 300))
        #expect(found.map(\.action) == [.fan(on: true), .transmitPower(.half)])
        #expect(rung == .warm)
    }

    @Test func whatCannotBeReadIsCooledAndTheRestStays() {
        var policy = ThermalPolicy(limits: Self.limits)
        #expect(policy.handle(.unreadable, at: .zero) == [.fan(on: true)])
        #expect(policy.handle(.reading(40_000), at: .zero + .seconds(5)) == [.fan(on: false)])
        _ = policy.handle(.reading(75_000), at: .zero + .seconds(10))
        #expect(policy.handle(.unreadable, at: .zero + .seconds(100)) == [] && policy.rung == .warm)
    }

    @Test(arguments: [Int32.min, -40_000, 0, 70_000, .max]) func anyNumberIsTaken(_ temperature: Int32) {
        var policy = ThermalPolicy(limits: Self.limits)
        _ = policy.handle(.reading(temperature), at: .zero)
        #expect(policy.rung == (temperature >= 90_000 ? .critical : temperature >= 70_000 ? .warm : .normal))
    }
}
