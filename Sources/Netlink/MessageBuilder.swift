import CNetlink

/// Writes netlink messages one behind the other into one buffer, as a batch wants them.
///
/// Layout: `struct nlmsghdr`, a family header, attributes; everything padded to four bytes (linux/netlink.h).
public struct MessageBuilder: Sendable {
    public private(set) var bytes: [UInt8] = []
    /// How many messages were begun.
    public private(set) var count = 0
    private var start = 0
    private var nests: [Int] = []

    public init() {}

    public mutating func begin(type: UInt16, flags: UInt16, sequence: UInt32, header: [UInt8]) {
        end()
        start = bytes.count
        count += 1
        put(UInt32(0))
        put(type)
        put(flags)
        put(sequence)
        put(UInt32(0))
        bytes += header
        pad()
    }

    /// Sets the length of the message begun last. Harmless when there is none.
    public mutating func end() {
        precondition(nests.isEmpty, "a nested attribute was left open")
        guard count > 0 else { return }
        patch(UInt32(bytes.count - start), at: start)
    }

    /// Adds `flags` to those of the message begun last.
    public mutating func raise(flags: UInt16) {
        let old = UInt16(bytes[start + 6]) | UInt16(bytes[start + 7]) << 8
        let new = old | flags
        bytes[start + 6] = UInt8(truncatingIfNeeded: new)
        bytes[start + 7] = UInt8(truncatingIfNeeded: new >> 8)
    }

    public mutating func attribute(_ type: UInt16, _ value: some Collection<UInt8>) {
        put(UInt16(4 + value.count))
        put(type)
        bytes += value
        pad()
    }

    public mutating func attribute(_ type: UInt16, string: String) { attribute(type, Array(string.utf8) + [0]) }
    /// In the machine's order, as rtnetlink has it.
    public mutating func attribute(_ type: UInt16, native value: some FixedWidthInteger) {
        attribute(type, withUnsafeBytes(of: value) { Array($0) })
    }
    /// In network order, as nfnetlink has it.
    public mutating func attribute(_ type: UInt16, bigEndian value: some FixedWidthInteger) {
        attribute(type, withUnsafeBytes(of: value.bigEndian) { Array($0) })
    }

    public mutating func nest(_ type: UInt16, _ body: (inout MessageBuilder) -> Void) {
        let start = bytes.count
        put(UInt16(0))
        put(type | UInt16(NLA_F_NESTED))
        nests.append(start)
        body(&self)
        nests.removeLast()
        let length = bytes.count - start
        precondition(length <= UInt16.max, "a nested attribute is larger than an attribute can be")
        bytes[start] = UInt8(truncatingIfNeeded: length)
        bytes[start + 1] = UInt8(truncatingIfNeeded: length >> 8)
    }

    private mutating func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }

    private mutating func patch(_ value: UInt32, at offset: Int) {
        withUnsafeBytes(of: value) { for (index, byte) in $0.enumerated() { bytes[offset + index] = byte } }
    }

    private mutating func pad() { while !bytes.count.isMultiple(of: 4) { bytes.append(0) } }
}
