import CNetlink
import Glibc

/// nf_tables over netlink: batches of changes, and dumps. One thread at a time.
public final class NetfilterSocket {
    private let socket: NetlinkSocket

    public init(in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        socket = try NetlinkSocket(Int32(NETLINK_NETFILTER), in: namespace)
    }

    /// Commits all of it or nothing. Throws what the kernel says of the first message that it refuses.
    public func commit(_ batch: NetfilterBatch) throws(NetlinkError) {
        guard !batch.isEmpty else { return }
        // A set's hash table that is just being resized takes nothing in and says EBUSY (lib/rhashtable.c): it lasts a moment.
        for _ in 0..<Self.triesWhileBusy {
            do { return try commitOnce(batch) } catch {
                guard case .refused(_, EBUSY, _) = error else { throw error }
                usleep(2_000)
            }
        }
        try commitOnce(batch)
    }

    private static let triesWhileBusy = 50

    private func commitOnce(_ batch: NetfilterBatch) throws(NetlinkError) {
        let subjects = batch.subjects
        var builder = batch.builder
        // The last change asks for an answer. The end of the batch cannot: older kernels do not answer to it.
        let last = UInt32(builder.count - 1)
        builder.acknowledge(message: Int(last))
        builder.message(type: Int(NFNL_MSG_BATCH_END), flags: 0) {
            NetfilterMessage.header(&$0, family: Int32(AF_UNSPEC), resource: Int32(NFNL_SUBSYS_NFTABLES))
        }
        let count = UInt32(builder.count)
        let first = try socket.send(builder, acknowledgeLast: false, what: "change the packet filter")
        var failure: NetlinkError?
        var done = false
        while !done {
            try socket.eachAnswer(to: first, count: count, what: "change the packet filter") { message throws(NetlinkError) in
                guard let answer = Acknowledgement(message) else { return }
                let place = message.sequence &- first
                // An answer to the beginning is about the whole batch (not permitted, or the commit failed).
                if place == last || place == 0 { done = true }
                guard answer.errno != 0, failure == nil else { return }
                let subject = place == 0 ? "change the packet filter" : subjects[min(Int(place), subjects.count - 1)]
                failure = .refused(request: subject, errno: answer.errno, detail: answer.detail)
            }
        }
        if let failure { throw failure }
    }

    /// Gives each element of a set or map to `body`.
    public func eachElement(
        of set: String, table: String, _ body: (ReceivedElement) -> Void
    ) throws(NetlinkError) {
        var builder = MessageBuilder()
        builder.message(type: NetfilterMessage.type(NFT_MSG_GETSETELEM), flags: Int(NLM_F_DUMP)) { builder in
            NetfilterMessage.header(&builder)
            builder.attribute(Int(NFTA_SET_ELEM_LIST_TABLE.rawValue), text: table)
            builder.attribute(Int(NFTA_SET_ELEM_LIST_SET.rawValue), text: set)
        }
        try socket.dump("read \(set) of table \(table)", builder) { message throws(NetlinkError) in
            guard message.type == NetfilterMessage.type(NFT_MSG_NEWSETELEM) else { return }
            guard ReceivedElement.each(in: message.payload, body) else { throw .malformed("elements of \(set)") }
        }
    }

    /// One element by its key, or nothing if there is none.
    public func element(
        _ key: [UInt8], of set: String, table: String, _ body: (ReceivedElement) -> Void
    ) throws(NetlinkError) {
        var builder = MessageBuilder()
        builder.message(type: NetfilterMessage.type(NFT_MSG_GETSETELEM), flags: 0) { builder in
            NetfilterMessage.header(&builder)
            builder.attribute(Int(NFTA_SET_ELEM_LIST_TABLE.rawValue), text: table)
            builder.attribute(Int(NFTA_SET_ELEM_LIST_SET.rawValue), text: set)
            builder.nest(Int(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue)) { SetElement(key: key).append(to: &$0, keyOnly: true) }
        }
        do throws(NetlinkError) {
            try socket.request("read an element of \(set)", builder) { message throws(NetlinkError) in
                guard ReceivedElement.each(in: message.payload, body) else { throw .malformed("an element of \(set)") }
            }
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
    }

    public func quotas(table: String) throws(NetlinkError) -> [QuotaObject] {
        var builder = MessageBuilder()
        builder.message(type: NetfilterMessage.type(NFT_MSG_GETOBJ), flags: Int(NLM_F_DUMP)) { builder in
            NetfilterMessage.header(&builder)
            builder.attribute(Int(NFTA_OBJ_TABLE.rawValue), text: table)
            builder.attribute(Int(NFTA_OBJ_TYPE.rawValue), network: UInt32(NFT_OBJECT_QUOTA))
        }
        var quotas: [QuotaObject] = []
        try socket.dump("read the quotas of table \(table)", builder) { message throws(NetlinkError) in
            guard message.type == NetfilterMessage.type(NFT_MSG_NEWOBJ) else { return }
            guard let quota = QuotaObject(payload: message.payload) else { throw .malformed("a quota") }
            quotas.append(quota)
        }
        return quotas
    }

    /// nil if there is no quota of that name.
    public func quota(_ name: String, table: String) throws(NetlinkError) -> QuotaObject? {
        var builder = MessageBuilder()
        builder.message(type: NetfilterMessage.type(NFT_MSG_GETOBJ), flags: 0) { builder in
            NetfilterMessage.header(&builder)
            builder.attribute(Int(NFTA_OBJ_TABLE.rawValue), text: table)
            builder.attribute(Int(NFTA_OBJ_NAME.rawValue), text: name)
            builder.attribute(Int(NFTA_OBJ_TYPE.rawValue), network: UInt32(NFT_OBJECT_QUOTA))
        }
        var quota: QuotaObject?
        do throws(NetlinkError) {
            try socket.request("read quota \(name)", builder) { message throws(NetlinkError) in
                guard let found = QuotaObject(payload: message.payload) else { throw .malformed("quota \(name)") }
                quota = found
            }
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
        return quota
    }
}
