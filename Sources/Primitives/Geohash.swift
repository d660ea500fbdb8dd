/// The middle of a geohash's cell (G. Niemeyer, 2008): base 32, five bits a character, longitude and latitude by turns.
///
/// For showing who is near: nothing that is signed depends on it.
public struct Geohash: Hashable, Sendable {
    /// Degrees.
    public let latitude: Double
    public let longitude: Double

    private static let digits = Array("0123456789bcdefghjkmnpqrstuvwxyz".utf8)
    /// Of the mean Earth, radius 6,371,009 m (IUGG).
    private static let metresPerDegree = 111_195.08

    /// nil unless `text` is 1 to 12 of its 32 characters.
    public init?(_ text: String) {
        guard (1...12).contains(text.utf8.count) else { return nil }
        var (south, north, west, east) = (-90.0, 90.0, -180.0, 180.0)
        var isLongitude = true
        for character in text.utf8 {
            guard let value = Self.digits.firstIndex(of: character) else { return nil }
            for bit in (0..<5).reversed() {
                let isUpper = value >> bit & 1 == 1
                if isLongitude {
                    if isUpper { west = (west + east) / 2 } else { east = (west + east) / 2 }
                } else {
                    if isUpper { south = (south + north) / 2 } else { north = (south + north) / 2 }
                }
                isLongitude.toggle()
            }
        }
        (latitude, longitude) = ((south + north) / 2, (west + east) / 2)
    }

    /// The cell around a place, 12 characters: a few centimetres wide. nil outside of ±90° and ±180°.
    public static func cell(latitude: Double, longitude: Double) -> String? {
        guard (-90...90).contains(latitude), (-180...180).contains(longitude) else { return nil }
        var (south, north, west, east) = (-90.0, 90.0, -180.0, 180.0)
        var isLongitude = true
        var text = ""
        for _ in 0..<12 {
            var value = 0
            for _ in 0..<5 {
                let middle = isLongitude ? (west + east) / 2 : (south + north) / 2
                let isUpper = (isLongitude ? longitude : latitude) >= middle
                value = value << 1 | (isUpper ? 1 : 0)
                switch (isLongitude, isUpper) {
                case (true, true): west = middle
                case (true, false): east = middle
                case (false, true): south = middle
                case (false, false): north = middle
                }
                isLongitude.toggle()
            }
            text.unicodeScalars.append(Unicode.Scalar(digits[value]))
        }
        return text
    }

    /// On a flat map around both, right to 1 % within 100 km outside of the polar regions.
    public func metres(to other: Geohash) -> Double {
        let up = latitude - other.latitude
        var across = (longitude - other.longitude).magnitude
        if across > 180 { across = 360 - across }
        across *= Self.cosine(ofDegrees: (latitude + other.latitude) / 2)
        return (up * up + across * across).squareRoot() * Self.metresPerDegree
    }

    /// From -90° to 90° within 0.00003: the first terms of its series.
    private static func cosine(ofDegrees degrees: Double) -> Double {
        let square = (degrees * .pi / 180) * (degrees * .pi / 180)
        return 1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56)))
    }
}
