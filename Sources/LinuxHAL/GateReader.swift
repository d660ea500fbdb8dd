import CNetlink
import HAL
public import Netlink
import Primitives

/// What the kernel's answers about the gate say. The parsers take raw bytes, so that they can be fuzzed.
public enum GateReader {
    public struct Counted: Hashable, Sendable {
        public var bytes: UInt64 = 0
        public var packets: UInt64 = 0
    }

    /// One element of a dump: its key, its map value, its counter.
    public struct Element {
        public var key: Bytes
        public var mark: UInt32?
        public var counted: Counted?
    }

    /// What is known of a quota object.
    public struct Quota: Hashable, Sendable {
        public var limit: UInt64
        /// Shown by the kernel up to the limit, never beyond.
        public var consumed: UInt64
        public var isDepleted: Bool
    }

    /// The elements in one `NFT_MSG_NEWSETELEM`, whose body starts with `struct nfgenmsg`.
    public static func elements(in body: Bytes, _ visit: (Element) -> Void) {
        guard let list = body.dropping(4).attribute(UInt16(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)) else { return }
        for (type, value) in Attributes(list) where type == NFTA_LIST_ELEM.rawValue {
            if let element = element(in: value) { visit(element) }
        }
    }

    private static func element(in bytes: Bytes) -> Element? {
        var element: Element?
        var mark: UInt32?
        var counted: Counted?
        for (type, value) in Attributes(bytes) {
            switch UInt32(type) {
            case NFTA_SET_ELEM_KEY.rawValue:
                element = value.attribute(UInt16(NFTA_DATA_VALUE.rawValue)).map { Element(key: $0) }
            case NFTA_SET_ELEM_DATA.rawValue:
                mark = value.attribute(UInt16(NFTA_DATA_VALUE.rawValue))?.native(UInt32.self)
            case NFTA_SET_ELEM_EXPR.rawValue:
                counted = counter(in: value)
            case NFTA_SET_ELEM_EXPRESSIONS.rawValue:
                counted = value.attribute(UInt16(NFTA_LIST_ELEM.rawValue)).flatMap(counter)
            default: continue
            }
        }
        element?.mark = mark
        element?.counted = counted
        return element
    }

    private static func counter(in expression: Bytes) -> Counted? {
        guard let data = expression.attribute(UInt16(NFTA_EXPR_DATA.rawValue)) else { return nil }
        var counted = Counted()
        for (type, value) in Attributes(data) {
            switch UInt32(type) {
            case NFTA_COUNTER_BYTES.rawValue: counted.bytes = value.bigEndian(UInt64.self)
            case NFTA_COUNTER_PACKETS.rawValue: counted.packets = value.bigEndian(UInt64.self)
            default: continue
            }
        }
        return counted
    }

    /// The quota in one `NFT_MSG_NEWOBJ`; nil if it is something else.
    public static func quota(in body: Bytes) -> Quota? {
        guard let data = body.dropping(4).attribute(UInt16(NFTA_OBJ_DATA.rawValue)),
            let limit = data.attribute(UInt16(NFTA_QUOTA_BYTES.rawValue)),
            let flags = data.attribute(UInt16(NFTA_QUOTA_FLAGS.rawValue))
        else { return nil }
        let consumed = data.attribute(UInt16(NFTA_QUOTA_CONSUMED.rawValue))?.bigEndian(UInt64.self) ?? 0
        let isDepleted = flags.bigEndian(UInt32.self) & UInt32(NFT_QUOTA_F_DEPLETED.rawValue) != 0
        return Quota(limit: limit.bigEndian(UInt64.self), consumed: consumed, isDepleted: isDepleted)
    }

    // MARK: asking

    private static func type(_ message: nf_tables_msg_types) -> UInt16 {
        UInt16(NFNL_SUBSYS_NFTABLES) << 8 | UInt16(message.rawValue)
    }
    private static let header = [UInt8(GateTable.family), UInt8(NFNETLINK_V0), 0, 0]

    static func dump(_ set: String, on socket: NetlinkSocket, _ visit: (Element) -> Void) throws(NetlinkError) {
        try socket.request(type(NFT_MSG_GETSETELEM), flags: NLM_F_DUMP, header: header) { message in
            message.attribute(UInt16(NFTA_SET_ELEM_LIST_TABLE.rawValue), string: GateTable.name)
            message.attribute(UInt16(NFTA_SET_ELEM_LIST_SET.rawValue), string: set)
        } _: {
            elements(in: $0.body, visit)
        }
    }

    static func quota(_ mark: UInt32, on socket: NetlinkSocket) throws(NetlinkError) -> Quota? {
        var found: Quota?
        try socket.request(type(NFT_MSG_GETOBJ), flags: 0, header: header) { message in
            message.attribute(UInt16(NFTA_OBJ_TABLE.rawValue), string: GateTable.name)
            message.attribute(UInt16(NFTA_OBJ_NAME.rawValue), string: GateTable.quotaName(mark))
            message.attribute(UInt16(NFTA_OBJ_TYPE.rawValue), bigEndian: UInt32(NFT_OBJECT_QUOTA))
        } _: {
            found = quota(in: $0.body)
        }
        return found
    }

    /// Bytes that one client has moved, both directions.
    static func counted(_ mark: UInt32, on socket: NetlinkSocket) throws(NetlinkError) -> UInt64 {
        var bytes: UInt64 = 0
        for key in [mark, mark | GateTable.downlinkBit] {
            try socket.request(type(NFT_MSG_GETSETELEM), flags: 0, header: header) { message in
                message.attribute(UInt16(NFTA_SET_ELEM_LIST_TABLE.rawValue), string: GateTable.name)
                message.attribute(UInt16(NFTA_SET_ELEM_LIST_SET.rawValue), string: GateTable.account)
                message.nest(UInt16(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)) { GateElement(GateTable.key(key)).write(to: &$0) }
            } _: {
                elements(in: $0.body) { bytes += $0.counted?.bytes ?? 0 }
            }
        }
        return bytes
    }
}
