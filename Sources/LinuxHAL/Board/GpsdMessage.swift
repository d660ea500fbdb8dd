import FoundationEssentials
public import HAL
import Primitives

/// A line of gpsd's JSON (gpsd_json(5)), as far as it concerns us.
public enum GpsdMessage: Hashable, Sendable {
    /// TPV: time, position, velocity. A cycle has up to three, with one time.
    case report(PositionReport)
    case version(String)
    case error(String)
    /// Satellites, devices and whatever newer ones have.
    case other

    /// gpsd's own limit of a message is 10,240 bytes (GPS_JSON_RESPONSE_MAX).
    public static let lineLimit = 16 << 10
    private static let textLimit = 200

    fileprivate struct Wire: Decodable {
        var `class`: String
        var mode: Int?
        var time: String?
        var lat: Double?
        var lon: Double?
        var altHAE: Double?
        var altMSL: Double?
        var alt: Double?
        var eph: Double?
        var epx: Double?
        var epy: Double?
        var release: String?
        var message: String?
    }

    /// nil for what is no message of gpsd's.
    public init?(line: [UInt8]) {
        // Whatever is wrong with it, there is nothing to do about a line but to leave it.
        guard line.count <= Self.lineLimit, let wire = try? JSONDecoder().decode(Wire.self, from: Data(line)) else { return nil }
        switch wire.class {
        case "TPV":
            guard let report = PositionReport(wire) else { return nil }
            self = .report(report)
        case "VERSION": self = .version(String((wire.release ?? "").prefix(Self.textLimit)))
        case "ERROR": self = .error(String((wire.message ?? "").prefix(Self.textLimit)))
        default: self = .other
        }
    }
}

extension PositionReport {
    /// nil where a number cannot be what it says.
    fileprivate init?(_ wire: GpsdMessage.Wire) {
        guard let mode = wire.mode, (0...3).contains(mode) else { return nil }
        let time = wire.time.flatMap { ReceiverTime(gpsd: $0) }
        self.init(mode: Mode(rawValue: UInt8(max(mode, 1))) ?? .none, position: nil, time: time)
        guard let lat = wire.lat, let lon = wire.lon else { return }
        guard let latitude = Self.whole(lat, 1e7), let longitude = Self.whole(lon, 1e7) else { return nil }
        let altitude = mode == 3 ? (wire.altHAE ?? wire.altMSL ?? wire.alt).flatMap { Self.whole($0, 1_000) } : nil
        guard
            let position = Position(
                latitude: latitude, longitude: longitude, altitudeMillimetres: altitude,
                accuracyMillimetres: Self.accuracy(wire))
        else { return nil }
        self.position = position
    }

    /// gpsd's estimate of the horizontal error, 95 %; older ones tell of each direction alone.
    private static func accuracy(_ wire: GpsdMessage.Wire) -> UInt32? {
        let metres: Double?
        if let eph = wire.eph {
            metres = eph
        } else if let x = wire.epx, let y = wire.epy {
            metres = (x * x + y * y).squareRoot()
        } else {
            metres = nil
        }
        guard let metres, metres.isFinite, metres >= 0 else { return nil }
        return UInt32(min((metres * 1_000).rounded(.up), Double(UInt32.max)))
    }

    private static func whole(_ value: Double, _ scale: Double) -> Int32? {
        Int32(exactly: (value * scale).rounded())
    }
}

extension ReceiverTime {
    /// `2026-11-23T21:05:02.400Z`; any number of decimals.
    fileprivate init?(gpsd text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1 {
            guard let wall = WallTime(text), text.utf8.count == 20 else { return nil }
            self.init(wall: wall)
        } else {
            guard parts[1].hasSuffix("Z"), parts[0].utf8.count == 19, let wall = WallTime(parts[0] + "Z") else { return nil }
            let digits = parts[1].dropLast()
            guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
                let milliseconds = UInt16((digits + "00").prefix(3))
            else { return nil }
            self.init(wall: wall, milliseconds: milliseconds)
        }
    }
}
