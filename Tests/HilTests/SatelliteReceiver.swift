import Foundation
import Lab

/// A satellite receiver that tells its sentences by datagram, and the real gpsd that listens to it.
enum SatelliteReceiver {
    /// Where gpsd answers.
    static let gpsd = "127.0.0.1:2958"
    private static let sentencePort: UInt16 = 2959

    /// A track north-east, a step a second, as a receiver tells it; north and east are in 1e-7 degrees.
    static func step(_ number: Int) -> (sentences: String, north: Int32, east: Int32) {
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
    static func send(_ text: String) {
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

    static func startGpsd() throws -> LabProcess {
        let gpsd = try start(["gpsd", "-N", "-n", "-S", "2958", "udp://127.0.0.1:\(sentencePort)"])
        try waitUntil("gpsd to listen", timeout: .seconds(30)) {
            // 0B8E is 2958, 0A is LISTEN.
            try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).contains("0100007F:0B8E 00000000:0000 0A")
        }
        return gpsd
    }
}
