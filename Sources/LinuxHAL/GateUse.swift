import Netlink

/// What the kernel knew of a client's bytes: the quota was read first, so `counted` is never too small beside it.
///
/// A quota counts the packets that it refuses, too. How many they are can be seen while its limit is greater: so a client
/// that was cut off is shut (no service, no limit), read, and opened again with a limit that makes the refused bytes good.
struct GateUse: Equatable {
    var quota: QuotaObject
    /// Both accounts together.
    var counted: UInt64

    /// Bytes that the quota saw and that did not pass: all of them when the client is shut, and never too many.
    var refused: UInt64 { quota.consumed > counted ? quota.consumed - counted : 0 }

    /// It could not use all of `limit`: the quota has seen too much.
    func isCutOff(before limit: UInt64) -> Bool { quota.isDepleted && counted < limit }
}
