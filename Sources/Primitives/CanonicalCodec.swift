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

/// Writes what it visits, or overwrites it with what it reads.
public protocol CanonicalCoder {
    mutating func integer(_ value: inout some FixedWidthInteger) throws(CanonicalError)
    /// Exactly `count` bytes, without a length.
    mutating func fixed(_ value: inout [UInt8], count: Int) throws(CanonicalError)
    /// Up to `limit` bytes behind their length.
    mutating func bytes(_ value: inout [UInt8], limit: Int) throws(CanonicalError)
    mutating func array<T: Canonical>(_ value: inout [T], limit: Int) throws(CanonicalError)
    mutating func optional<T: Canonical>(_ value: inout T?) throws(CanonicalError)
}

extension CanonicalCoder {
    public mutating func nested(_ value: inout some Canonical) throws(CanonicalError) { try value.visit(&self) }

    public mutating func bool(_ value: inout Bool) throws(CanonicalError) {
        var byte: UInt8 = value ? 1 : 0
        try integer(&byte)
        guard byte <= 1 else { throw .invalid("a Boolean is 0 or 1, not \(byte)") }
        value = byte == 1
    }

    /// The tag of an enumeration, one byte: writes `tag`, or gives the one that was read.
    public mutating func tag(_ tag: UInt8) throws(CanonicalError) -> UInt8 {
        var tag = tag
        try integer(&tag)
        return tag
    }

    /// An enumeration without payload, as the byte of its raw value.
    public mutating func choice<T: RawRepresentable<UInt8>>(_ value: inout T) throws(CanonicalError) {
        let read = try tag(value.rawValue)
        guard let known = T(rawValue: read) else { throw .invalid("\(T.self) has no case \(read)") }
        value = known
    }

    /// UTF-8 text of at most `limit` bytes.
    public mutating func text(_ value: inout String, limit: Int) throws(CanonicalError) {
        var utf8 = Array(value.utf8)
        try bytes(&utf8, limit: limit)
        guard let text = String(validating: utf8, as: UTF8.self) else { throw .invalid("text is not UTF-8") }
        value = text
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
    var output: [UInt8] = []

    mutating func integer(_ value: inout some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { output.append(contentsOf: $0) }
    }

    mutating func fixed(_ value: inout [UInt8], count: Int) throws(CanonicalError) {
        guard value.count == count else { throw .tooLong(length: value.count, limit: count) }
        output += value
    }

    mutating func bytes(_ value: inout [UInt8], limit: Int) throws(CanonicalError) {
        try length(value.count, limit: limit)
        output += value
    }

    mutating func array<T: Canonical>(_ value: inout [T], limit: Int) throws(CanonicalError) {
        try length(value.count, limit: limit)
        for index in value.indices { try value[index].visit(&self) }
    }

    mutating func optional<T: Canonical>(_ value: inout T?) throws(CanonicalError) {
        output.append(value == nil ? 0 : 1)
        try value?.visit(&self)
    }

    private mutating func length(_ count: Int, limit: Int) throws(CanonicalError) {
        guard count <= limit else { throw .tooLong(length: count, limit: limit) }
        var length = UInt32(count)
        integer(&length)
    }
}

struct CanonicalReader: CanonicalCoder {
    private let input: [UInt8]
    private var position = 0

    init(_ input: some Collection<UInt8>) { self.input = Array(input) }

    var left: Int { input.count - position }

    private mutating func take(_ count: Int) throws(CanonicalError) -> ArraySlice<UInt8> {
        guard count <= left else { throw .truncated(needed: count, left: left) }
        defer { position += count }
        return input[position..<position + count]
    }

    mutating func integer<T: FixedWidthInteger>(_ value: inout T) throws(CanonicalError) {
        var result = T.zero
        for (index, byte) in try take(MemoryLayout<T>.size).enumerated() {
            result |= T(truncatingIfNeeded: byte) << T(truncatingIfNeeded: 8 * index)
        }
        value = result
    }

    mutating func fixed(_ value: inout [UInt8], count: Int) throws(CanonicalError) { value = Array(try take(count)) }

    mutating func bytes(_ value: inout [UInt8], limit: Int) throws(CanonicalError) {
        value = Array(try take(length(limit: limit)))
    }

    mutating func array<T: Canonical>(_ value: inout [T], limit: Int) throws(CanonicalError) {
        value = []
        for _ in 0..<(try length(limit: limit)) {
            var element = T()
            try element.visit(&self)
            value.append(element)
        }
    }

    mutating func optional<T: Canonical>(_ value: inout T?) throws(CanonicalError) {
        var present = false
        try bool(&present)
        guard present else {
            value = nil
            return
        }
        var element = T()
        try element.visit(&self)
        value = element
    }

    private mutating func length(limit: Int) throws(CanonicalError) -> Int {
        var count: UInt32 = 0
        try integer(&count)
        guard Int(count) <= limit else { throw .tooLong(length: Int(count), limit: limit) }
        return Int(count)
    }
}

extension QLC: Canonical {
    public init() { self = .zero }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.integer(&units) }
}
