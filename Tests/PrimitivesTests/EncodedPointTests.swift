import Testing

@testable import Primitives

@Suite struct EncodedPoints {
    /// Around p = 2²⁵⁵ − 19, each byte and the sign: below p is acceptable, p and above is not.
    @Test func areAcceptableBelowThePrimeAlone() {
        let p = [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
        var (accepted, refused) = (0, 0)
        for index in p.indices {
            for value in [0, 1, 0x7e, 0x7f, 0xec, 0xed, 0xee, 0xfe, 0xff] as [UInt8] {
                var y = p
                y[index] = value
                let isBelow = Self.isBelow(y[..<31] + [y[31] & 0x7f], p)
                let isMinusOne = y[0] == 0xec && index == 0  // of small order
                #expect(EncodedPoint.isAcceptable(Bytes32(y)!) == (isBelow && !isMinusOne), "byte \(index) is \(value)")
                if isBelow { accepted += 1 } else { refused += 1 }
            }
        }
        #expect(accepted > 200 && refused > 30)
    }

    private static func isBelow(_ left: some Collection<UInt8>, _ right: [UInt8]) -> Bool {
        left.reversed().lexicographicallyPrecedes(right.reversed())
    }
}
