/// Bech32m text (BIP-350): a prefix, the separator `1`, five bits a character, and a checksum of six characters that finds every
/// error of up to four characters.
public enum Bech32m {
    /// BIP-173: longer text loses that promise.
    static let lengthLimit = 90
    static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    static let checksumLength = 6
    /// What the checksum of a whole text comes to: by this alone Bech32m differs from Bech32, where it is 1.
    private static let remainder: UInt32 = 0x2bc8_30a3
    private static let bech32Remainder: UInt32 = 1

    /// The text of `values`, five bits each, behind `prefix` in lower case.
    public static func encode(prefix: String, values: [UInt8]) -> String {
        let blank = [UInt8](repeating: 0, count: checksumLength)
        let sum = checksum(prefix: Array(prefix.utf8), values: values + blank) ^ remainder
        let check = (0..<checksumLength).map { UInt8(truncatingIfNeeded: sum >> (5 * (5 - $0)) & 31) }
        return prefix + "1" + String(decoding: (values + check).map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// The prefix in lower case and the values, five bits each.
    /// - Throws: `AddressError`: what is wrong with `text`, and where if one character is.
    public static func decode(_ text: String) throws(AddressError) -> (prefix: String, values: [UInt8]) {
        let characters = try lowerCase(text)
        guard let separator = characters.lastIndex(of: UInt8(ascii: "1")), separator > 0 else { throw .noPrefix }
        guard characters.count - separator > checksumLength else { throw .tooShort }
        let prefix = Array(characters[..<separator])
        var values: [UInt8] = []
        for index in separator + 1..<characters.count {
            guard let value = alphabet.firstIndex(of: characters[index]) else { throw badCharacter(in: text, at: index) }
            values.append(UInt8(value))
        }
        let sum = checksum(prefix: prefix, values: values)
        guard sum != bech32Remainder else { throw .isBech32 }
        guard sum == remainder else {
            throw .mistyped(position: suspect(error: sum ^ remainder, in: values).map { separator + 2 + $0 })
        }
        return (String(decoding: prefix, as: UTF8.self), values.dropLast(checksumLength))
    }

    /// Eight bits a byte into five bits a value; what is left of the last value is zero.
    public static func values(of bytes: [UInt8]) -> [UInt8] {
        var (pending, bits, values) = (0, 0, [UInt8]())
        for byte in bytes {
            pending = (pending << 8 | Int(byte)) & 0xfff
            bits += 8
            while bits >= 5 {
                bits -= 5
                values.append(UInt8(pending >> bits & 31))
            }
        }
        if bits > 0 { values.append(UInt8(pending << (5 - bits) & 31)) }
        return values
    }

    /// Five bits a value into bytes.
    /// - Throws: `padding` if what is left is a whole value, or not zero: such text would be a second one for the same bytes.
    public static func bytes(of values: some Collection<UInt8>) throws(AddressError) -> [UInt8] {
        var (pending, bits, bytes) = (0, 0, [UInt8]())
        for value in values {
            pending = (pending << 5 | Int(value)) & 0xfff
            bits += 5
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(pending >> bits & 0xff))
        }
        guard bits < 5, pending & (1 << bits - 1) == 0 else { throw .padding }
        return bytes
    }

    /// Text may be all capitals (as in a QR code) or have none.
    private static func lowerCase(_ text: String) throws(AddressError) -> [UInt8] {
        let characters = Array(text.utf8)
        guard characters.count <= lengthLimit else { throw .tooLong(characters.count) }
        if let index = characters.firstIndex(where: { !(33...126).contains($0) }) { throw badCharacter(in: text, at: index) }
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let hasCapitals = characters.contains(where: capitals.contains)
        guard !hasCapitals || !characters.contains(where: { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }) else {
            throw .mixedCase
        }
        return characters.map { capitals.contains($0) ? $0 | 0x20 : $0 }
    }

    static func badCharacter(in text: String, at index: Int) -> AddressError {
        let start = text.utf8.index(text.startIndex, offsetBy: index)
        return .badCharacter(text[start...].first.map(String.init) ?? "", position: index + 1)
    }

    /// The only value that, written otherwise, would make the checksum right. The code is linear: one value changes the checksum by what
    /// its change alone comes to, which is shifted on by each value behind it.
    private static func suspect(error: UInt32, in values: [UInt8]) -> Int? {
        var changes = Array(1..<UInt32(32))
        for index in values.indices.reversed() {
            if changes.contains(error) { return index }
            changes = changes.map { shifted($0) }
        }
        return nil
    }

    /// The BCH code of BIP-173 over the prefix's high bits, a zero, its low bits, and the values.
    private static func checksum(prefix: [UInt8], values: [UInt8]) -> UInt32 {
        (prefix.map { $0 >> 5 } + [0] + prefix.map { $0 & 31 } + values).reduce(1) { shifted($0) ^ UInt32($1) }
    }

    private static func shifted(_ sum: UInt32) -> UInt32 {
        let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
        var result = (sum & 0x1ff_ffff) << 5
        for bit in 0..<5 where sum >> UInt32(25 + bit) & 1 == 1 { result ^= generator[bit] }
        return result
    }
}
