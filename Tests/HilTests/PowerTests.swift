import Lab
import Testing

/// Never louder than the owner wants, as the kernel's own tool reads it and not as the station believes.
@Suite(hardwareInTheLoop, .serialized)
struct PowerTests {
    private func power(_ port: String) throws -> String? {
        try run(["iw", "dev", port, "info"]).stdout.split(separator: "\n").first { $0.contains("txpower") }
            .map { $0.drop { !$0.isNumber }.description }
    }

    @Test func theCeilingHolds() throws {
        let station = try AirStation(devices: 1)
        let ports = [station.sky.accessPoint, station.sky.accessPoint + "s"]
        func expect(_ wanted: String) throws {
            for port in ports {
                try waitUntil("\(port) to send with \(wanted)", timeout: .seconds(20), every: .milliseconds(200)) {
                    try power(port) == wanted
                }
            }
        }
        try waitUntil("the station to be on the air", timeout: .seconds(60), every: .milliseconds(100)) {
            try ports.allSatisfy { try AirStation.isOnAir($0) }
        }
        try expect("20.00 dBm")
        // Less, more than that again, and more than is allowed.
        for (asked, wanted) in [(7, "7.00 dBm"), (13, "13.00 dBm"), (30, "20.00 dBm"), (0, "0.00 dBm")] {
            try AirStation.ask("radio", "set", "--power", "\(asked)")
            try expect(wanted)
        }
    }
}
