import CNetlink
import Glibc

/// Changes of one nf_tables table that take effect together or not at all.
public struct NetfilterBatch {
    /// An attribute's length has 16 bits; the list of elements is one attribute.
    static let elementBytesPerMessage = 60_000

    let table: String
    var builder = MessageBuilder()
    /// What each message is about, by its place, for errors. Place 0 is the beginning of the batch.
    private(set) var subjects: [String] = ["begin"]

    public init(table: String) {
        self.table = table
        builder.message(type: Int(NFNL_MSG_BATCH_BEGIN), flags: 0) {
            NetfilterMessage.header(&$0, family: Int32(AF_UNSPEC), resource: Int32(NFNL_SUBSYS_NFTABLES))
        }
    }

    public var isEmpty: Bool { builder.count == 1 }
    public var byteCount: Int { builder.bytes.count }

    /// Elements that are there already with the same value stay as they are.
    public mutating func add(_ elements: [SetElement], to set: String) {
        send(elements, set: set, type: NFT_MSG_NEWSETELEM, flags: Int(NLM_F_CREATE), subject: "add to \(set)")
    }

    /// Each must be there, or the batch fails.
    public mutating func delete(_ elements: [SetElement], from set: String) {
        send(elements, set: set, type: NFT_MSG_DELSETELEM, flags: 0, subject: "delete from \(set)")
    }

    /// Makes the quota ("until": a rule goes on while its limit is not passed), or gives it a new limit; what it has seen stays.
    public mutating func setQuota(_ name: String, limit: UInt64) {
        message(NFT_MSG_NEWOBJ, flags: Int(NLM_F_CREATE), subject: "set quota \(name)") { [table] builder in
            builder.attribute(Int(NFTA_OBJ_TABLE.rawValue), text: table)
            builder.attribute(Int(NFTA_OBJ_NAME.rawValue), text: name)
            builder.attribute(Int(NFTA_OBJ_TYPE.rawValue), network: UInt32(NFT_OBJECT_QUOTA))
            builder.nest(Int(NFTA_OBJ_DATA.rawValue)) { builder in
                builder.attribute(Int(NFTA_QUOTA_BYTES.rawValue), network: limit)
            }
        }
    }

    public mutating func deleteQuota(_ name: String) {
        message(NFT_MSG_DELOBJ, flags: 0, subject: "delete quota \(name)") { [table] builder in
            builder.attribute(Int(NFTA_OBJ_TABLE.rawValue), text: table)
            builder.attribute(Int(NFTA_OBJ_NAME.rawValue), text: name)
            builder.attribute(Int(NFTA_OBJ_TYPE.rawValue), network: UInt32(NFT_OBJECT_QUOTA))
        }
    }

    private mutating func send(
        _ elements: [SetElement], set: String, type: nf_tables_msg_types, flags: Int, subject: String
    ) {
        let keyOnly = type == NFT_MSG_DELSETELEM
        var next = 0
        while next < elements.count {
            var end = next
            var size = 0
            while end < elements.count, end == next || size + elements[end].encodedBound <= Self.elementBytesPerMessage {
                size += elements[end].encodedBound
                end += 1
            }
            let part = elements[next..<end]
            message(type, flags: flags, subject: subject) { [table] builder in
                builder.attribute(Int(NFTA_SET_ELEM_LIST_TABLE.rawValue), text: table)
                builder.attribute(Int(NFTA_SET_ELEM_LIST_SET.rawValue), text: set)
                builder.nest(Int(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)) { builder in
                    for element in part { element.append(to: &builder, keyOnly: keyOnly) }
                }
            }
            next = end
        }
    }

    private mutating func message(
        _ type: nf_tables_msg_types, flags: Int, subject: String, _ body: (inout MessageBuilder) -> Void
    ) {
        subjects.append(subject)
        builder.message(type: NetfilterMessage.type(type), flags: flags) { builder in
            NetfilterMessage.header(&builder)
            body(&builder)
        }
    }
}
