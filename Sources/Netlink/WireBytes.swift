/// A view of received bytes whose every access is checked; a read past the end gives nil, never a trap.
///
/// It borrows: use it inside the call that handed it to you, and copy what shall outlive that (`array`).
public struct WireBytes {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    static var empty: WireBytes { WireBytes(UnsafeRawBufferPointer(start: nil, count: 0)) }

    /// Lends a view of `array` to `body`.
    public static func read<Result>(_ array: [UInt8], _ body: (WireBytes) -> Result) -> Result {
        array.withUnsafeBytes { body(WireBytes($0)) }
    }

    public var count: Int { bytes.count }
    public var array: [UInt8] { Array(bytes) }

    public subscript(index: Int) -> UInt8? { index >= 0 && index < bytes.count ? bytes[index] : nil }

    /// The bytes from `start`, `length` of them; nil if they are not all there.
    public func slice(at start: Int, count length: Int) -> WireBytes? {
        guard start >= 0, length >= 0, start <= bytes.count, length <= bytes.count - start else { return nil }
        return WireBytes(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
    }

    public func dropping(_ count: Int) -> WireBytes? {
        count <= bytes.count ? slice(at: count, count: bytes.count - count) : nil
    }

    /// Netlink's own numbers are in the order of the machine.
    public func native<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type = Number.self, at index: Int = 0) -> Number? {
        guard index >= 0, index <= bytes.count, MemoryLayout<Number>.size <= bytes.count - index else { return nil }
        return bytes.loadUnaligned(fromByteOffset: index, as: Number.self)
    }

    /// nf_tables' numbers are in network order.
    public func network<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type = Number.self, at index: Int = 0) -> Number? {
        native(Number.self, at: index).map { Number(bigEndian: $0) }
    }

    /// The text before the first zero byte, or all of it; bytes that are not UTF-8 are replaced.
    public var text: String {
        let end = bytes.firstIndex(of: 0) ?? bytes.count
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<end]), as: UTF8.self)
    }

    /// Whether it is exactly `text`, with or without a closing zero.
    public func isText(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard bytes.count == length || (bytes.count == length + 1 && bytes[length] == 0) else { return false }
        return text.withUTF8Buffer { expected in bytes.prefix(length).elementsEqual(expected) }
    }
}
