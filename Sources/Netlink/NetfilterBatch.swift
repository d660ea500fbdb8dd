public import CNetlink
import Glibc

/// A list of nf_tables changes that the kernel carries out as one transaction: all of them or none.
public struct NetfilterBatch {
    private var builder = MessageBuilder()
    private let table: String
    private let family: UInt8
    public private(set) var count = 0
    /// What each message is about, for the error that names it.
    private var subjects: [String] = []

    public init(table: String, family: Int32) {
        self.table = table
        self.family = UInt8(family)
    }

    public var isEmpty: Bool { count == 0 }

    /// Adds one message; its attributes start with the table's name under attribute 1, as in every message used here.
    public mutating func add(
        _ type: nf_tables_msg_types, flags: Int32, subject: String, _ attributes: (inout MessageBuilder) -> Void
    ) {
        let type = UInt16(NFNL_SUBSYS_NFTABLES) << 8 | UInt16(type.rawValue)
        builder.begin(
            type: type, flags: UInt16(NLM_F_REQUEST | flags), sequence: UInt32(count + 1),
            header: [family, UInt8(NFNETLINK_V0), 0, 0])
        builder.attribute(1, string: table)
        attributes(&builder)
        count += 1
        subjects.append(subject)
    }

    /// Sends it and waits until the kernel has done it, or none of it.
    public func commit(on socket: NetlinkSocket) throws(NetlinkError) {
        guard count > 0 else { return }
        var body = builder
        body.raise(flags: UInt16(NLM_F_ACK))
        body.end()
        var bytes = Self.edge(NFNL_MSG_BATCH_BEGIN, sequence: 0)
        bytes += body.bytes
        bytes += Self.edge(NFNL_MSG_BATCH_END, sequence: UInt32(count + 1))
        try socket.send(bytes)
        var failure: NetlinkError?
        while true {
            for message in try Message.all(in: socket.receive()) where Int32(message.type) == NLMSG_ERROR {
                let index = Int(message.sequence) - 1
                if let error = NetlinkSocket.refusal(in: message, index: index < 0 ? nil : index), failure == nil {
                    failure = name(error)
                }
                // The last message is the only one that is acknowledged; a failed commit is reported on the batch's first.
                if index == count - 1 || index < 0 {
                    if let failure { throw failure }
                    return
                }
            }
        }
    }

    private func name(_ error: NetlinkError) -> NetlinkError {
        guard case .refused(let errno, let index?, let words) = error, subjects.indices.contains(index) else { return error }
        return .refused(errno: errno, index: index, words: words.isEmpty ? subjects[index] : "\(subjects[index]): \(words)")
    }

    private static func edge(_ type: Int32, sequence: UInt32) -> [UInt8] {
        var builder = MessageBuilder()
        builder.begin(
            type: UInt16(type), flags: UInt16(NLM_F_REQUEST), sequence: sequence,
            header: [UInt8(AF_UNSPEC), UInt8(NFNETLINK_V0), 0, UInt8(NFNL_SUBSYS_NFTABLES)])
        builder.end()
        return builder.bytes
    }
}
