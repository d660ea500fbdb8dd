import CNetlink

/// Writes netlink messages one after another, with nested attributes; every length is checked.
///
/// A length that does not fit is remembered (`isTooLong`) instead of trapping, and the socket refuses to send it.
public struct MessageBuilder {
    public private(set) var bytes: [UInt8] = []
    /// How many messages there are.
    public private(set) var count = 0
    public private(set) var isTooLong = false
    private var start = 0

    public init() {}

    public mutating func reserve(_ capacity: Int) { bytes.reserveCapacity(capacity) }

    /// One message: a header, then what `body` appends. The sequence number is counted on from `firstSequence` when it is sent.
    public mutating func message(type: Int, flags: Int, _ body: (inout MessageBuilder) -> Void) {
        start = bytes.count
        append(UInt32(0))
        append(UInt16(truncatingIfNeeded: type))
        append(UInt16(truncatingIfNeeded: flags | Int(NLM_F_REQUEST)))
        append(UInt32(count))  // numbered by `numbered(from:)`
        append(UInt32(0))
        body(&self)
        pad()
        patch(UInt32(truncatingIfNeeded: bytes.count - start), at: start)
        count += 1
    }

    public mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    public mutating func append(_ raw: [UInt8]) { bytes.append(contentsOf: raw) }

    public mutating func attribute(_ type: Int, bytes value: [UInt8]) {
        header(type, length: value.count)
        bytes.append(contentsOf: value)
        pad()
    }

    public mutating func attribute<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Int, native value: Number) {
        header(type, length: MemoryLayout<Number>.size)
        append(value)
        pad()
    }

    public mutating func attribute<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Int, network value: Number) {
        attribute(type, native: value.bigEndian)
    }

    /// With the closing zero that the kernel wants.
    public mutating func attribute(_ type: Int, text: String) {
        header(type, length: text.utf8.count + 1)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
        pad()
    }

    public mutating func nest(_ type: Int, _ body: (inout MessageBuilder) -> Void) {
        let position = bytes.count
        header(type | 1 << 15, length: 0)  // NLA_F_NESTED
        body(&self)
        let length = bytes.count - position
        if length > Int(UInt16.max) { isTooLong = true }
        patch(UInt16(truncatingIfNeeded: length), at: position)
    }

    private mutating func header(_ type: Int, length: Int) {
        if length + Attributes.headerSize > Int(UInt16.max) { isTooLong = true }
        append(UInt16(truncatingIfNeeded: length + Attributes.headerSize))
        append(UInt16(truncatingIfNeeded: type))
    }

    private mutating func pad() {
        while bytes.count & 3 != 0 { bytes.append(0) }
    }

    private mutating func patch<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number, at position: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: position, as: Number.self) }
    }

    /// Numbers the messages `first`, `first + 1`, ...
    mutating func number(from first: UInt32) {
        eachHeader { builder, index, position in builder.patch(first &+ UInt32(index), at: position + 8) }
    }

    /// Asks for an answer to one message.
    mutating func acknowledge(message wanted: Int) {
        eachHeader { builder, index, position in
            guard index == wanted else { return }
            let flags = builder.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position + 6, as: UInt16.self) }
            builder.patch(flags | UInt16(NLM_F_ACK), at: position + 6)
        }
    }

    private mutating func eachHeader(_ body: (inout MessageBuilder, Int, Int) -> Void) {
        var position = 0
        for index in 0..<count {
            let length = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) }
            body(&self, index, position)
            position += netlinkAligned(Int(length))
        }
    }
}
