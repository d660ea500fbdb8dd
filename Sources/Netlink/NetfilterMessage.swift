import CNetlink

/// nf_tables messages start with four bytes of `struct nfgenmsg` (linux/netfilter/nfnetlink.h).
enum NetfilterMessage {
    static let headerSize = 4

    static func type(_ message: nf_tables_msg_types) -> Int { Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(message.rawValue) }

    static func header(_ builder: inout MessageBuilder, family: Int32 = cnetlink_family_inet, resource: Int32 = 0) {
        builder.append(UInt8(truncatingIfNeeded: family))
        builder.append(UInt8(truncatingIfNeeded: NFNETLINK_V0))
        builder.append(UInt16(truncatingIfNeeded: resource).bigEndian)
    }

    static func attributes(_ payload: WireBytes) -> Attributes? { payload.dropping(headerSize).map { Attributes($0) } }
}
