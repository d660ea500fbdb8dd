import BoardControl
import HAL
import Primitives
import Testing

@Suite struct PositionFilterTests {
    private static func report(
        _ mode: PositionReport.Mode = .threeDimensional, north: Int32 = 525_000_000, accuracy: UInt32? = 5_000,
        second: Int64? = 0,
        milliseconds: UInt16 = 0
    ) -> PositionReport {
        PositionReport(
            mode: mode, position: Position(latitude: north, longitude: 134_000_000, accuracyMillimetres: accuracy),
            time: second.map {
                ReceiverTime(wall: WallTime(secondsSince1970: 1_795_000_000 + $0), milliseconds: milliseconds)
            })
    }

    /// Reports a second apart; the north of what was found.
    private static func play(_ reports: [PositionReport]) -> [Int32] {
        var filter = PositionFilter(accuracyLimit: 50_000)
        return reports.enumerated().flatMap { step, report in
            filter.handle(.report(report), at: .zero + .seconds(step)).compactMap {
                if case .position(let known) = $0 { known.position.latitude } else { nil }
            }
        }
    }

    @Test(
        arguments: [
            ("good", [report()], [525_000_000]),
            ("without a fix", [report(.none)], []),
            ("flat", [report(.twoDimensional)], [525_000_000]),
            ("as bad as allowed", [report(accuracy: 50_000)], [525_000_000]),
            ("worse", [report(accuracy: 50_001)], []),
            ("of unknown quality", [report(accuracy: nil)], []),
            ("a mode and no place", [PositionReport(mode: .threeDimensional, position: nil, time: nil)], []),
            ("a cycle of three", [report(.twoDimensional, north: 1), report(north: 2), report(north: 2)], [1, 2]),
            ("the best of a cycle first", [report(north: 2), report(.twoDimensional, north: 1)], [2]),
            ("a worse guess of the same cycle", [report(north: 2, accuracy: 4_000), report(north: 1, accuracy: 6_000)], [2]),
            ("a worse guess of the next", [report(north: 2), report(north: 1, accuracy: 6_000, second: 1)], [2, 1]),
            ("the next tenth of a second", [report(north: 2), report(.twoDimensional, north: 1, milliseconds: 100)], [2, 1]),
            ("an earlier one", [report(north: 2, second: 5), report(north: 1, second: 4)], [2]),
            ("none with a time", [report(north: 1, second: nil), report(north: 2, second: nil)], [1, 2]),
            ("standing still", [report(second: 0), report(second: 1)], [525_000_000, 525_000_000]),
        ] as [(String, [PositionReport], [Int32])])
    func aReportIsTakenOrNot(_ name: String, _ reports: [PositionReport], _ wanted: [Int32]) {
        #expect(Self.play(reports) == wanted, "\(name)")
    }

    @Test func whatIsOldIsLostOnce() {
        var filter = PositionFilter(accuracyLimit: 50_000, staleAfter: .seconds(60))
        #expect(filter.handle(.time, at: .zero) == [] && filter.wakesAt == nil)
        _ = filter.handle(.report(Self.report()), at: .zero + .seconds(1))
        #expect(filter.wakesAt == .zero + .seconds(61))
        #expect(filter.handle(.time, at: .zero + .seconds(60)) == [])
        // What is not good enough does not keep it young.
        #expect(filter.handle(.report(Self.report(accuracy: 90_000, second: 60)), at: .zero + .seconds(61)) == [.lost])
        #expect(filter.known == nil && filter.handle(.time, at: .zero + .seconds(99)) == [])
        // A receiver whose clock was set back is believed now.
        #expect(filter.handle(.report(Self.report(second: -900)), at: .zero + .seconds(100)).count == 1)
    }

    @Test(arguments: [(900_000_000, 0, true), (900_000_001, 0, false), (0, -1_800_000_000, true), (0, 1_800_000_001, false)])
    func aPlaceIsOnEarth(north: Int32, east: Int32, isOne: Bool) {
        #expect((Position(latitude: north, longitude: east) != nil) == isOne)
    }
}
