import HAL
import LinuxHAL
import Primitives
import Testing

/// What gpsd says, and what it never should.
@Suite struct GpsdMessageTests {
    private static func message(_ text: String) -> GpsdMessage? { GpsdMessage(line: Array(text.utf8)) }

    private static func tpv(_ fields: String) -> PositionReport? {
        guard case .report(let report) = message("{\"class\":\"TPV\",\(fields)}") else { return nil }
        return report
    }

    /// As gpsd 3.22 of Debian 12 sent it.
    @Test func aReportIsRead() throws {
        let report = try #require(
            Self.tpv(
                """
                "device":"udp://127.0.0.1:2959","mode":3,"time":"2026-11-23T12:00:05.250Z","ept":0.005,"lat":52.516667417,\
                "lon":-13.388860000,"altHAE":79.1,"altMSL":34.0,"alt":34.0,"eph":14.250,"epv":23.0,"track":10.3,"speed":0.514
                """))
        #expect(report.mode == .threeDimensional)
        #expect(report.time == ReceiverTime(wall: WallTime("2026-11-23T12:00:05Z")!, milliseconds: 250))
        let position = try #require(report.position)
        #expect(position.latitude == 525_166_674 && position.longitude == -133_888_600)
        #expect(position.altitudeMillimetres == 79_100 && position.accuracyMillimetres == 14_250)
    }

    @Test(arguments: [
        ("\"mode\":0", PositionReport.Mode.none), ("\"mode\":1", .none), ("\"mode\":2", .twoDimensional),
        ("\"mode\":3", .threeDimensional),
    ]) func aModeAloneIsAReport(_ fields: String, _ mode: PositionReport.Mode) {
        #expect(Self.tpv(fields) == PositionReport(mode: mode, position: nil, time: nil))
    }

    @Test(
        arguments: [
            ("\"eph\":0.0004", 1), ("\"epx\":3,\"epy\":4", 5_000), ("\"eph\":2,\"epx\":3,\"epy\":4", 2_000), ("\"epx\":3", nil),
            ("\"eph\":-1", nil), ("\"eph\":1e300", UInt32.max), ("\"track\":1", nil),
        ] as [(String, UInt32?)]) func theErrorIsTheReceiversOwn(_ fields: String, _ accuracy: UInt32?)
    {
        #expect(Self.tpv("\"mode\":2,\"lat\":1,\"lon\":2,\(fields)")?.position?.accuracyMillimetres == accuracy)
    }

    @Test(
        arguments: [
            ("2026-11-23T12:00:05Z", 0), ("2026-11-23T12:00:05.0Z", 0), ("2026-11-23T12:00:05.5Z", 500),
            ("2026-11-23T12:00:05.123456789Z", 123), ("2026-11-23T12:00:05.Z", nil), ("2026-11-23T12:00:05.1", nil),
            ("2026-11-23T12:00:05.-1Z", nil), ("2026-11-23", nil), ("2026-02-31T12:00:05.000Z", nil), ("", nil),
        ] as [(String, UInt16?)]) func aTimeIsReadOrLeft(_ text: String, _ milliseconds: UInt16?)
    {
        let report = Self.tpv("\"mode\":2,\"lat\":1,\"lon\":2,\"time\":\"\(text)\"")
        #expect(report?.position != nil && report?.time?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "\"mode\":4", "\"mode\":-1", "\"mode\":\"3\"", "\"lat\":1,\"lon\":2", "\"mode\":2,\"lat\":90.1,\"lon\":2",
        "\"mode\":2,\"lat\":1,\"lon\":-180.1", "\"mode\":2,\"lat\":1e300,\"lon\":2", "\"mode\":2,\"lat\":NaN,\"lon\":2",
        "\"mode\":2,\"lat\":\"1\",\"lon\":2",
    ]) func whatCannotBeIsNoReport(_ fields: String) { #expect(Self.tpv(fields) == nil) }

    @Test func otherMessagesAndRubbish() {
        #expect(Self.message("{\"class\":\"VERSION\",\"release\":\"3.22\",\"rev\":\"3.22\"}") == .version("3.22"))
        #expect(Self.message("{\"class\":\"ERROR\",\"message\":\"Unrecognized\"}") == .error("Unrecognized"))
        #expect(Self.message("{\"class\":\"SKY\",\"satellites\":[{\"PRN\":1}]}") == .other)
        for text in ["", "{", "[]", "null", "{\"class\":5}", "HTTP/1.1 400 Bad Request", "{\"class\":\"TPV\"}"] {
            #expect(Self.message(text) == nil, "\(text)")
        }
        #expect(GpsdMessage(line: [0xff, 0xfe, 0x00]) == nil)
        #expect(Self.message(String(repeating: "[", count: 10_000)) == nil)
        let padding = String(repeating: " ", count: GpsdMessage.lineLimit)
        #expect(Self.message("{\"class\":\"SKY\"}" + padding) == nil)
    }

    @Test(arguments: [1, 2, 3, 7, 1_000]) func linesAreWholeWhateverThePieces(size: Int) {
        let text = Array("ab\n\ncdefgh\nxx\nij".utf8)
        var (lines, splitter) = ([String](), LineSplitter(limit: 5))
        for start in stride(from: 0, to: text.count, by: size) {
            lines += splitter.take(text[start..<min(start + size, text.count)]).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(lines == ["ab", "xx"] && splitter.pending == 2)
    }

    @Test func aLineWithoutEndIsNotKept() {
        var splitter = LineSplitter(limit: 100)
        for _ in 0..<1_000 { #expect(splitter.take([UInt8](repeating: 65, count: 100)).isEmpty && splitter.pending <= 100) }
        #expect(splitter.take(Array("\nok\n".utf8)) == [Array("ok".utf8)])
    }

    @Test(arguments: [
        ("127.0.0.1:2947", true), ("[::1]:2947", true), ("10.0.0.1:1", true), ("127.0.0.1:0", false), ("127.0.0.1:65536", false),
        ("::1:2947", false), ("[127.0.0.1]:2947", false), ("localhost:2947", false), ("127.0.0.1", false),
        ("127.0.0.1:+1", false), ("", false),
    ]) func anEndpointIsAnAddressAndAPort(_ text: String, _ isOne: Bool) {
        #expect(Endpoint(text)?.description == (isOne ? text : nil))
    }
}
