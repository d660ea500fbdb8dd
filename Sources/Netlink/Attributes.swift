/// A cursor over the attributes in a span of bytes. It believes no length before it has checked it, and copies nothing.
public struct Attributes: Sequence, IteratorProtocol {
    /// Type without its flag bits, and the value.
    public typealias Element = (type: UInt16, value: Bytes)

    private var rest: Bytes

    public init(_ bytes: Bytes) { rest = bytes }

    /// The next attribute; nil at the end, and where the bytes stop making sense.
    public mutating func next() -> Element? {
        guard rest.count >= 4 else { return nil }
        let length = Int(rest.native(UInt16.self, at: 0))
        guard length >= 4, length <= rest.count else { return nil }
        let type = rest.native(UInt16.self, at: 2) & 0x3fff
        let value = rest.slice(4, length - 4)
        rest = rest.dropping(Swift.min(rest.count, (length + 3) & ~3))
        return (type, value)
    }
}

/// A bounds-checked view of part of a buffer.
public struct Bytes {
    private let storage: ArraySlice<UInt8>

    public init(_ bytes: [UInt8]) { storage = bytes[...] }
    public init(_ bytes: ArraySlice<UInt8>) { storage = bytes }

    public var count: Int { storage.count }
    public var array: [UInt8] { Array(storage) }

    /// Zero where there are too few bytes: callers check `count` where it matters.
    public func native<T: FixedWidthInteger>(_ type: T.Type, at offset: Int = 0) -> T {
        guard offset >= 0, offset + MemoryLayout<T>.size <= count else { return 0 }
        return storage.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
    }

    public func bigEndian<T: FixedWidthInteger>(_ type: T.Type, at offset: Int = 0) -> T {
        T(bigEndian: native(type, at: offset))
    }

    /// Up to `length` bytes from `offset`.
    public func slice(_ offset: Int, _ length: Int) -> Bytes {
        let from = Swift.min(Swift.max(0, offset), count)
        let to = Swift.min(count, from + Swift.max(0, length))
        return Bytes(storage[storage.startIndex + from..<storage.startIndex + to])
    }

    public func dropping(_ length: Int) -> Bytes { slice(length, count) }

    /// Text up to the first zero byte.
    public var text: String { String(decoding: storage.prefix { $0 != 0 }, as: UTF8.self) }

    /// The value of the first attribute of that type, where these bytes are attributes.
    public func attribute(_ type: UInt16) -> Bytes? {
        for (found, value) in Attributes(self) where found == type { return value }
        return nil
    }
}

/// One message of a datagram: its type, flags, sequence, and what follows `struct nlmsghdr`.
public struct Message {
    public let type: UInt16
    public let flags: UInt16
    public let sequence: UInt32
    public let port: UInt32
    public let body: Bytes

    /// The messages in a datagram; throws where a length does not fit.
    public static func all(in datagram: [UInt8]) throws(NetlinkError) -> [Message] {
        var messages: [Message] = []
        var rest = Bytes(datagram)
        while rest.count > 0 {
            let length = Int(rest.native(UInt32.self, at: 0))
            guard rest.count >= 16, length >= 16, length <= rest.count else {
                throw .malformed("a message of \(length) bytes in \(rest.count)")
            }
            messages.append(
                Message(
                    type: rest.native(UInt16.self, at: 4), flags: rest.native(UInt16.self, at: 6),
                    sequence: rest.native(UInt32.self, at: 8), port: rest.native(UInt32.self, at: 12),
                    body: rest.slice(16, length - 16)))
            rest = rest.dropping((length + 3) & ~3)
        }
        return messages
    }
}
