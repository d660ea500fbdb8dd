import CNetlink
import HAL
import Netlink
import Primitives

/// The gate's sets and maps as board/gate.nft declares them, and how their elements are written and read (linux/netfilter/nf_tables.h).
///
/// Keys of several fields pad each field to four bytes; interface indexes and marks are in the machine's order,
/// MAC and IP addresses in network order.
enum GateTable {
    static let name = "gate"
    static let family = Int32(CNL_NFPROTO_INET)
    /// Downlink marks carry it, so that one set can count both directions.
    static let downlinkBit: UInt32 = 0x8000_0000

    static let live = "live"
    static let quotaOf = "quota_of"
    static let account = "account"
    static let bindMaps = ["bind4", "bind6"]

    static func bindMap(_ address: IPAddress) -> String { address.isIPv6 ? "bind6" : "bind4" }
    static func downMap(_ address: IPAddress) -> String { address.isIPv6 ? "down6" : "down4" }
    static func quotaName(_ mark: UInt32) -> String { "q\(mark)" }

    static func key(_ mark: UInt32) -> [UInt8] { withUnsafeBytes(of: mark) { Array($0) } }
    static func key(port: Int32, mac: MACAddress, address: IPAddress) -> [UInt8] {
        withUnsafeBytes(of: port) { Array($0) } + mac.octets + [0, 0] + address.bytes
    }
}

/// One element of a set or map.
struct GateElement {
    var key: [UInt8]
    /// The mark that a map gives for the key.
    var mark: UInt32?
    /// The object that an object map gives for the key.
    var object: String?
    var timeout: Nanoseconds?

    init(_ key: [UInt8], mark: UInt32? = nil, object: String? = nil, timeout: Nanoseconds? = nil) {
        self.key = key
        self.mark = mark
        self.object = object
        self.timeout = timeout
    }

    func write(to builder: inout MessageBuilder) {
        builder.nest(UInt16(NFTA_LIST_ELEM.rawValue)) { element in
            element.nest(UInt16(NFTA_SET_ELEM_KEY.rawValue)) { $0.attribute(UInt16(NFTA_DATA_VALUE.rawValue), key) }
            if let mark {
                element.nest(UInt16(NFTA_SET_ELEM_DATA.rawValue)) {
                    $0.attribute(UInt16(NFTA_DATA_VALUE.rawValue), GateTable.key(mark))
                }
            }
            if let object { element.attribute(UInt16(NFTA_SET_ELEM_OBJREF.rawValue), string: object) }
            if let timeout {
                element.attribute(
                    UInt16(NFTA_SET_ELEM_TIMEOUT.rawValue), bigEndian: UInt64(max(1, timeout.count / 1_000_000)))
            }
        }
    }
}

extension NetfilterBatch {
    /// Elements that share a message; 64 KB is the most an attribute can hold.
    private static let elementsPerMessage = 500

    mutating func put(_ elements: [GateElement], into set: String, subject: String) {
        elementMessages(NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE, elements, set, subject)
    }

    /// The elements must be there: a missing one fails the whole transaction.
    mutating func take(_ elements: [GateElement], outOf set: String, subject: String) {
        elementMessages(NFT_MSG_DELSETELEM, flags: 0, elements.map { GateElement($0.key) }, set, subject)
    }

    /// Takes elements out that may be there or not: they are put in first, so that taking them out cannot fail.
    mutating func clear(_ elements: [GateElement], outOf set: String, subject: String) {
        put(elements.map { GateElement($0.key) }, into: set, subject: subject)
        take(elements, outOf: set, subject: subject)
    }

    private mutating func elementMessages(
        _ type: nf_tables_msg_types, flags: Int32, _ elements: [GateElement], _ set: String, _ subject: String
    ) {
        for start in stride(from: 0, to: elements.count, by: Self.elementsPerMessage) {
            let part = elements[start..<min(elements.count, start + Self.elementsPerMessage)]
            add(type, flags: flags, subject: subject) { message in
                message.attribute(UInt16(NFTA_SET_ELEM_LIST_SET.rawValue), string: set)
                message.nest(UInt16(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)) { list in
                    for element in part { element.write(to: &list) }
                }
            }
        }
    }

    /// Makes the quota, or gives an existing one a new limit; what it has consumed stays.
    mutating func setQuota(_ mark: UInt32, limit: UInt64, subject: String) {
        add(NFT_MSG_NEWOBJ, flags: NLM_F_CREATE, subject: subject) { message in
            message.attribute(UInt16(NFTA_OBJ_NAME.rawValue), string: GateTable.quotaName(mark))
            message.attribute(UInt16(NFTA_OBJ_TYPE.rawValue), bigEndian: UInt32(NFT_OBJECT_QUOTA))
            message.nest(UInt16(NFTA_OBJ_DATA.rawValue)) { data in
                data.attribute(UInt16(NFTA_QUOTA_BYTES.rawValue), bigEndian: limit)
                data.attribute(UInt16(NFTA_QUOTA_FLAGS.rawValue), bigEndian: UInt32(NFT_QUOTA_F_INV.rawValue))
            }
        }
    }

    mutating func deleteQuota(_ mark: UInt32, subject: String) {
        add(NFT_MSG_DELOBJ, flags: 0, subject: subject) { message in
            message.attribute(UInt16(NFTA_OBJ_NAME.rawValue), string: GateTable.quotaName(mark))
            message.attribute(UInt16(NFTA_OBJ_TYPE.rawValue), bigEndian: UInt32(NFT_OBJECT_QUOTA))
        }
    }
}
