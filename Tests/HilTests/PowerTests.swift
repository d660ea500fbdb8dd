import Lab
import Testing

/// Never louder than the owner wants, as the kernel's own tool reads it and not as the station believes. StationBoardTests has the
/// heat's part.
@Suite(hardwareInTheLoop, .serialized)
struct PowerTests {
    @Test func theCeilingHolds() throws {
        let station = try AirStation(devices: 1)
        let ports = [station.sky.accessPoint, station.sky.accessPoint + "s"]
        func expect(_ wanted: String) throws {
            for port in ports {
                try waitUntil("\(port) to send with \(wanted)", timeout: .seconds(20), every: .milliseconds(200)) {
                    try AirStation.power(of: port) == wanted
                }
            }
        }
        try waitUntil("the station to be on the air", timeout: .seconds(60), every: .milliseconds(100)) {
            try ports.allSatisfy { try AirStation.isOnAir($0) }
        }
        try expect("20.00 dBm")
        // Less, more than that again, all that is allowed, and none.
        for (asked, wanted) in [(7, "7.00 dBm"), (13, "13.00 dBm"), (20, "20.00 dBm"), (0, "0.00 dBm")] {
            try AirStation.ask("radio", "set", "--power", "\(asked)")
            try expect(wanted)
        }
    }
}
