public import NIOCore

/// One message on a link: `u32 length ‖ u8 type ‖ payload`, the length little-endian and that of the payload alone.
public struct Frame: Hashable, Sendable {
    public var type: UInt8
    public var payload: ByteBuffer

    public init(type: UInt8, payload: ByteBuffer) { (self.type, self.payload) = (type, payload) }

    static let headerLength = 5

    var length: Int { Self.headerLength + payload.readableBytes }

    func writeHeader(to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(payload.readableBytes), endianness: .little)
        buffer.writeInteger(type)
    }
}

/// The types that peering itself uses. Everything from `firstOfOthers` on is the owner's of the network.
public enum FrameType {
    static let hello: UInt8 = 0
    static let goodbye: UInt8 = 1
    static let ping: UInt8 = 2
    static let pong: UInt8 = 3
    static let askAddresses: UInt8 = 4
    static let addresses: UInt8 = 5
    public static let firstOfOthers: UInt8 = 16
}

/// The largest payload of each type in bytes. A type that is not listed is refused.
public struct FrameLimits: Sendable {
    /// No payload may be larger, whoever asks for it: a peer can make a node hold one of them.
    public static let ceiling = 1 << 20

    private var limits: [Int?] = Array(repeating: nil, count: 256)

    /// `others` by type. A type below `FrameType.firstOfOthers` or a limit over `ceiling` is a programmer's error.
    public init(_ others: [UInt8: Int]) {
        limits[Int(FrameType.hello)] = Hello.lengthLimit
        limits[Int(FrameType.goodbye)] = 1
        limits[Int(FrameType.ping)] = 8
        limits[Int(FrameType.pong)] = 8
        limits[Int(FrameType.askAddresses)] = 0
        limits[Int(FrameType.addresses)] = AddressList.lengthLimit
        for (type, limit) in others {
            precondition(type >= FrameType.firstOfOthers && (0...Self.ceiling).contains(limit))
            limits[Int(type)] = limit
        }
    }

    /// nil for an unknown type.
    public subscript(type: UInt8) -> Int? { limits[Int(type)] }
}

enum FrameError: Error, Hashable {
    case unknownType(UInt8)
    case tooLong(type: UInt8, length: UInt32, limit: Int)
}

/// Cuts a stream of bytes into frames, however it was fragmented. Memory grows with the bytes that came, never with those announced.
struct FrameDecoder {
    private let limits: FrameLimits
    private var buffer = ByteBuffer()

    init(limits: FrameLimits) { self.limits = limits }

    var heldBytes: Int { buffer.storageCapacity }

    mutating func append(_ part: ByteBuffer) {
        var part = part
        if buffer.readableBytes == 0 {
            buffer = part
        } else {
            buffer.discardReadBytes()
            buffer.writeBuffer(&part)
        }
    }

    /// nil until a whole frame is there. Throws as soon as a header is wrong.
    mutating func next() throws(FrameError) -> Frame? {
        guard let length: UInt32 = buffer.getInteger(at: buffer.readerIndex, endianness: .little),
            let type: UInt8 = buffer.getInteger(at: buffer.readerIndex + 4)
        else { return nil }
        guard let limit = limits[type] else { throw .unknownType(type) }
        guard length <= limit else { throw .tooLong(type: type, length: length, limit: limit) }
        guard buffer.readableBytes >= Frame.headerLength + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: Frame.headerLength)
        // Both reads are of bytes that are there. An empty buffer gives its memory back.
        let payload = buffer.readSlice(length: Int(length)) ?? ByteBuffer()
        if buffer.readableBytes == 0 { buffer = ByteBuffer() }
        return Frame(type: type, payload: payload)
    }
}
