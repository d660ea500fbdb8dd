/// The canonical encoding: a strict subset of Borsh (https://borsh.io), so that every station computes the same bytes.
///
/// A type names its fields once, in `visit`; writing and reading both follow from it. Integers are
/// little-endian, lengths are `UInt32` with a maximum for each field, there are no floats and no maps.
/// Reading refuses trailing bytes and over-length before it allocates.
public protocol Canonical {
    /// A blank value that reading fills in.
    init()
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError)
}

public enum CanonicalError: Error, Equatable {
    case truncated(needed: Int, left: Int)
    case trailing(Int)
    case tooLong(length: Int, limit: Int)
    case invalid(String)
}

/// Writes what it visits, or overwrites it with what it reads. Everything is made of these few, which have no type parameters: a field
/// costs one call, also where the coder is known by its protocol alone.
public protocol CanonicalCoder {
    /// Whether it overwrites what it visits.
    var isReading: Bool { get }
    /// The lowest `size` bytes of `value`, 1 to 8, little-endian.
    mutating func word(_ value: inout UInt64, size: Int) throws(CanonicalError)
    mutating func fixed(_ value: inout Bytes32) throws(CanonicalError)
    /// Exactly `count` bytes, without a length.
    mutating func fixed(_ value: inout [UInt8], count: Int) throws(CanonicalError)
}

extension CanonicalCoder {
    @inlinable public mutating func integer<T: FixedWidthInteger>(_ value: inout T) throws(CanonicalError) {
        var low = UInt64(truncatingIfNeeded: value)
        guard T.bitWidth > 64 else {
            try word(&low, size: T.bitWidth / 8)
            value = T(truncatingIfNeeded: low)
            return
        }
        precondition(T.bitWidth == 128, "the encoding has integers of 8 to 128 bits")
        var high = UInt64(truncatingIfNeeded: value >> 64)
        try word(&low, size: 8)
        try word(&high, size: 8)
        value = T(truncatingIfNeeded: high) << 64 | T(truncatingIfNeeded: low)
    }

    @inlinable public mutating func nested(_ value: inout some Canonical) throws(CanonicalError) { try value.visit(&self) }

    /// Up to `limit` bytes behind their length.
    public mutating func bytes(_ value: inout [UInt8], limit: Int) throws(CanonicalError) {
        let count = try length(value.count, limit: limit)
        try fixed(&value, count: count)
    }

    @inlinable public mutating func array<T: Canonical>(_ value: inout [T], limit: Int) throws(CanonicalError) {
        let count = try length(value.count, limit: limit)
        if isReading { value = [] }
        for index in 0..<count {
            var element = isReading ? T() : value[index]
            try element.visit(&self)
            if isReading { value.append(element) }
        }
    }

    @inlinable public mutating func optional<T: Canonical>(_ value: inout T?) throws(CanonicalError) {
        var isPresent = value != nil
        try bool(&isPresent)
        guard isPresent else {
            value = nil
            return
        }
        var element = value ?? T()
        try element.visit(&self)
        value = element
    }

    @inlinable public mutating func bool(_ value: inout Bool) throws(CanonicalError) {
        var byte: UInt8 = value ? 1 : 0
        try integer(&byte)
        guard byte <= 1 else { throw .invalid("a Boolean is 0 or 1, not \(byte)") }
        value = byte == 1
    }

    /// The tag of an enumeration, one byte: writes `tag`, or gives the one that was read.
    @inlinable public mutating func tag(_ tag: UInt8) throws(CanonicalError) -> UInt8 {
        var tag = tag
        try integer(&tag)
        return tag
    }

    /// An enumeration without payload, as the byte of its raw value.
    @inlinable public mutating func choice<T: RawRepresentable<UInt8>>(_ value: inout T) throws(CanonicalError) {
        let read = try tag(value.rawValue)
        guard let known = T(rawValue: read) else { throw .invalid("\(T.self) has no case \(read)") }
        value = known
    }

    /// UTF-8 text of at most `limit` bytes.
    public mutating func text(_ value: inout String, limit: Int) throws(CanonicalError) {
        var utf8 = Array(value.utf8)
        try bytes(&utf8, limit: limit)
        guard isReading else { return }
        guard let text = String(validating: utf8, as: UTF8.self) else { throw .invalid("text is not UTF-8") }
        value = text
    }

    /// A length within its limit: writes `count`, or gives the one that was read, before anything is allocated for it.
    @usableFromInline mutating func length(_ count: Int, limit: Int) throws(CanonicalError) -> Int {
        guard isReading || count <= limit else { throw .tooLong(length: count, limit: limit) }
        var length = isReading ? 0 : UInt32(count)
        try integer(&length)
        guard length <= limit else { throw .tooLong(length: Int(clamping: length), limit: limit) }
        return Int(length)
    }
}

extension Canonical {
    /// The one byte sequence that stands for this value.
    public var canonicalBytes: [UInt8] {
        do { return try encoded() } catch { preconditionFailure("a value outside its own limits was encoded: \(error)") }
    }

    /// The same for a value that somebody else made up: it may be outside its own limits.
    public func encoded() throws(CanonicalError) -> [UInt8] {
        var writer = CanonicalWriter()
        var copy = self
        try copy.visit(&writer)
        return writer.output
    }

    /// Reads a value that fills `bytes` exactly.
    public init(canonicalBytes bytes: some Collection<UInt8>) throws(CanonicalError) {
        var reader = CanonicalReader(bytes)
        self.init()
        try visit(&reader)
        guard reader.left == 0 else { throw .trailing(reader.left) }
    }
}

struct CanonicalWriter: CanonicalCoder {
    private(set) var output: [UInt8] = []
    var isReading: Bool { false }

    /// Room for a header, so that most values grow nothing.
    init() { output.reserveCapacity(512) }

    mutating func word(_ value: inout UInt64, size: Int) {
        withUnsafeBytes(of: value.littleEndian) { output.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[..<size])) }
    }

    mutating func fixed(_ value: inout Bytes32) { value.withUnsafeBytes { output.append(contentsOf: $0) } }

    mutating func fixed(_ value: inout [UInt8], count: Int) throws(CanonicalError) {
        guard value.count == count else { throw .tooLong(length: value.count, limit: count) }
        output += value
    }
}

struct CanonicalReader: CanonicalCoder {
    private let input: [UInt8]
    private var position = 0
    var isReading: Bool { true }

    init(_ input: some Collection<UInt8>) { self.input = Array(input) }

    var left: Int { input.count - position }

    /// Where `count` bytes lie that are read now.
    private mutating func take(_ count: Int) throws(CanonicalError) -> Range<Int> {
        guard count <= left else { throw .truncated(needed: count, left: left) }
        defer { position += count }
        return position..<position + count
    }

    mutating func word(_ value: inout UInt64, size: Int) throws(CanonicalError) {
        let range = try take(size)
        value = input.withUnsafeBytes { raw in
            switch size {
            case 1: UInt64(raw[range.lowerBound])
            case 2: UInt64(UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt16.self)))
            case 4: UInt64(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt32.self)))
            case 8: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
            default: raw[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
    }

    mutating func fixed(_ value: inout Bytes32) throws(CanonicalError) {
        let range = try take(32)
        value = input.withUnsafeBytes { Bytes32(loading: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    mutating func fixed(_ value: inout [UInt8], count: Int) throws(CanonicalError) { value = Array(input[try take(count)]) }
}

extension QLC: Canonical {
    public init() { self = .zero }
    @inlinable public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.integer(&units) }
}
