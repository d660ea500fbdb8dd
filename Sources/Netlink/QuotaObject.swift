import CNetlink

/// A named quota as the kernel reports it (`enum nft_object_attributes`, `enum nft_quota_attributes`).
public struct QuotaObject: Hashable, Sendable {
    public var name: String
    public var limit: UInt64
    /// What it has seen pass, dropped packets too; the kernel shows no more than `limit`.
    public var consumed: UInt64
    /// No packet passes any more: it has seen `limit` bytes or more.
    public var isDepleted: Bool

    public init(name: String, limit: UInt64, consumed: UInt64, isDepleted: Bool) {
        self.name = name
        self.limit = limit
        self.consumed = consumed
        self.isDepleted = isDepleted
    }

    /// nil if the payload (after `nlmsghdr`) is no quota.
    init?(payload: WireBytes) {
        guard let attributes = NetfilterMessage.attributes(payload),
            attributes[Int(NFTA_OBJ_TYPE.rawValue)]?.network(UInt32.self) == UInt32(NFT_OBJECT_QUOTA),
            let name = attributes[Int(NFTA_OBJ_NAME.rawValue)], let data = attributes[Int(NFTA_OBJ_DATA.rawValue)]
        else { return nil }
        let quota = Attributes(data)
        guard let limit = quota[Int(NFTA_QUOTA_BYTES.rawValue)]?.network(UInt64.self),
            let consumed = quota[Int(NFTA_QUOTA_CONSUMED.rawValue)]?.network(UInt64.self)
        else { return nil }
        let flags = quota[Int(NFTA_QUOTA_FLAGS.rawValue)]?.network(UInt32.self) ?? 0
        self.name = name.text
        self.limit = limit
        self.consumed = consumed
        isDepleted = flags & UInt32(NFT_QUOTA_F_DEPLETED.rawValue) != 0 || consumed >= limit
    }

    /// For tests and fuzzing.
    public static func decode(payload: [UInt8]) -> QuotaObject? { WireBytes.read(payload) { QuotaObject(payload: $0) } }
}
