public import Primitives

/// What a satellite receiver says at one time. Everything but the mode may be missing.
public struct PositionReport: Hashable, Sendable {
    public enum Mode: UInt8, Hashable, Comparable, Sendable {
        case none = 1
        case twoDimensional = 2
        case threeDimensional = 3

        public static func < (left: Mode, right: Mode) -> Bool { left.rawValue < right.rawValue }
    }

    public var mode: Mode
    /// nil where the receiver tells a mode only.
    public var position: Position?
    /// The receiver's own time of this report; reports of one cycle have the same.
    public var time: ReceiverTime?

    public init(mode: Mode, position: Position?, time: ReceiverTime?) {
        self.mode = mode
        self.position = position
        self.time = time
    }
}

/// A receiver's time: some report several times a second.
public struct ReceiverTime: Hashable, Comparable, Sendable {
    public var wall: WallTime
    public var milliseconds: UInt16

    public init(wall: WallTime, milliseconds: UInt16 = 0) {
        self.wall = wall
        self.milliseconds = milliseconds
    }

    public static func < (left: ReceiverTime, right: ReceiverTime) -> Bool {
        (left.wall, left.milliseconds) < (right.wall, right.milliseconds)
    }
}

/// A place on the ellipsoid WGS 84.
public struct Position: Hashable, Sendable {
    /// In 1e-7 degrees, north and east positive: about 11 mm.
    public var latitude: Int32
    public var longitude: Int32
    /// Above the ellipsoid, or above the sea where the receiver tells only that. nil without a 3D fix.
    public var altitudeMillimetres: Int32?
    /// The receiver's own estimate of its horizontal error; nil if it makes none.
    public var accuracyMillimetres: UInt32?

    public static let latitudes: ClosedRange<Int32> = -900_000_000...900_000_000
    public static let longitudes: ClosedRange<Int32> = -1_800_000_000...1_800_000_000

    /// nil for what is no place on Earth.
    public init?(latitude: Int32, longitude: Int32, altitudeMillimetres: Int32? = nil, accuracyMillimetres: UInt32? = nil) {
        guard Self.latitudes.contains(latitude), Self.longitudes.contains(longitude) else { return nil }
        self.latitude = latitude
        self.longitude = longitude
        self.altitudeMillimetres = altitudeMillimetres
        self.accuracyMillimetres = accuracyMillimetres
    }
}

public enum PositionEvent: Hashable, Sendable {
    case report(PositionReport)
    /// The receiver is not there, or says nothing; it is asked again.
    case unavailable(HALError)
}

/// Where the board is, as its satellite receiver says: unfiltered, and silent when there is nothing to say.
public protocol PositionSource: Sendable {
    /// Events from now on. The stream is bounded (older ones are dropped) and goes on through the receiver's failures.
    func events() async throws(HALError) -> AsyncStream<PositionEvent>
}
