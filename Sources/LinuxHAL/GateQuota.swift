import Netlink

/// What the kernel knew of a client's bytes: the quota was read first, so `counted` is never too small beside it.
struct GateUse: Equatable {
    var quota: QuotaObject
    /// Both accounts together.
    var counted: UInt64
}

/// How a client's limit in the kernel becomes the one asked for.
///
/// A quota also counts the packets that it drops: at most one each way before the client is out of `live`. So
/// - while the client may still pass, the kernel's limit is raised by exactly what was dropped before;
/// - once it is depleted nothing passes, `counted` stands still, and the quota is made anew from it.
enum GateQuota: Equatable {
    /// Give the object this limit.
    case set(limit: UInt64)
    /// Delete it and make it again with this much already used.
    case renew(limit: UInt64, consumed: UInt64)

    /// - Parameter use: nil for a client that has no quota yet
    init(byteLimit: UInt64, after use: GateUse?) {
        guard let use else {
            self = .set(limit: byteLimit)
            return
        }
        let quota = use.quota
        if quota.isDepleted {
            self = byteLimit > use.counted ? .renew(limit: byteLimit, consumed: use.counted) : .set(limit: byteLimit)
        } else {
            let dropped = quota.consumed > use.counted ? quota.consumed - use.counted : 0
            let (sum, overflow) = byteLimit.addingReportingOverflow(dropped)
            self = .set(limit: overflow ? GateTable.noLimit : min(sum, GateTable.noLimit))
        }
    }
}
