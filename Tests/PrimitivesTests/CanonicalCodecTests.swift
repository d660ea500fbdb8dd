import Primitives
import SimulatedHAL
import Testing

private struct Everything: Canonical, Equatable {
    var u8: UInt8 = 0, i16: Int16 = 0, u64: UInt64 = 0, i64: Int64 = 0, u128: UInt128 = 0
    var isSet = false
    var text = ""
    var raw: [UInt8] = []
    var digest = Bytes32.zero
    var amounts: [QLC] = []
    var maybe: QLC?
    var mac = MACAddress(value: 0)

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&u8)
        try coder.integer(&i16)
        try coder.integer(&u64)
        try coder.integer(&i64)
        try coder.integer(&u128)
        try coder.bool(&isSet)
        try coder.text(&text, limit: 8)
        try coder.bytes(&raw, limit: 8)
        try coder.nested(&digest)
        try coder.array(&amounts, limit: 4)
        try coder.optional(&maybe)
        try coder.nested(&mac)
    }

    static func random(_ random: inout SplitMix64) -> Everything {
        var value = Everything()
        value.u8 = UInt8(truncatingIfNeeded: random.next())
        value.i16 = Int16(truncatingIfNeeded: random.next())
        value.u64 = random.next()
        value.i64 = Int64(bitPattern: random.next())
        value.u128 = UInt128(random.next()) << 64 | UInt128(random.next())
        value.isSet = random.next() % 2 == 0
        value.text = ["", "a", "é", "日本", "\u{0}", "🛰️"].randomElement(using: &random)!
        value.raw = (0..<random.next() % 9).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        value.digest = Bytes32((0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) })!
        value.amounts = (0..<random.next() % 5).map { _ in QLC(units: random.next()) }
        value.maybe = random.next() % 2 == 0 ? QLC(units: random.next()) : nil
        value.mac = MACAddress(value: random.next())
        return value
    }
}

struct Simple: Canonical, Equatable {
    var w: UInt8 = 0
    var x: Int16 = 0
    var y = ""
    var z: [UInt8] = []
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&w)
        try coder.integer(&x)
        try coder.text(&y, limit: 100)
        try coder.bytes(&z, limit: 100)
    }
}

@Suite struct CanonicalCodec {
    @Test func readsBackWhatItWrites() throws {
        var random = SplitMix64(seed: 7)
        for _ in 0..<500 {
            let value = Everything.random(&random)
            #expect(try Everything(canonicalBytes: value.canonicalBytes) == value)
        }
    }

    /// Whatever bytes are accepted, they are the only ones for that value.
    @Test func writesBackWhatItReads() {
        var random = SplitMix64(seed: 8)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Everything.random(&random).canonicalBytes
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << (random.next() % 8)
            guard let value = try? Everything(canonicalBytes: bytes) else { continue }
            accepted += 1
            #expect(value.canonicalBytes == bytes)
        }
        #expect(accepted > 5_000 && accepted < 20_000)
    }

    @Test func refusesTruncationAtEveryByteAndAnythingBehind() throws {
        var random = SplitMix64(seed: 9)
        let bytes = Everything.random(&random).canonicalBytes
        for length in bytes.indices {
            #expect(throws: CanonicalError.self) { try Everything(canonicalBytes: bytes[..<length]) }
        }
        #expect(throws: CanonicalError.trailing(1)) { try Everything(canonicalBytes: bytes + [0]) }
    }

    /// A length of four thousand million costs nothing: it is refused before any of it is read.
    @Test func refusesOverLengthBeforeItAllocates() {
        let header: [UInt8] = [0, 0, 0]
        let huge: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        let refusal = CanonicalError.tooLong(length: 0xffff_ffff, limit: 100)
        #expect(throws: refusal) { try Simple(canonicalBytes: header + huge) }
        #expect(throws: refusal) { try Simple(canonicalBytes: header + [0, 0, 0, 0] + huge) }
        #expect(throws: CanonicalError.truncated(needed: 100, left: 1)) {
            try Simple(canonicalBytes: header + [100, 0, 0, 0, 65])
        }
    }

    @Test func refusesWhatIsNotOneOfItsValues() {
        struct Flag: Canonical {
            var isSet = false
            mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.bool(&isSet) }
        }
        #expect(throws: CanonicalError.self) { try Flag(canonicalBytes: [2]) }
        #expect(throws: CanonicalError.self) { try Simple(canonicalBytes: [0, 0, 0, 1, 0, 0, 0, 0xff, 0, 0, 0, 0]) }
        #expect(throws: CanonicalError.self) { try MACAddress(canonicalBytes: [1, 2, 3, 4, 5, 6, 1, 0]) }
    }

    @Test func saysWhenAValueIsOutsideItsLimits() {
        let value = Simple(y: String(repeating: "a", count: 101))
        #expect(throws: CanonicalError.tooLong(length: 101, limit: 100)) { try value.encoded() }
    }
}
