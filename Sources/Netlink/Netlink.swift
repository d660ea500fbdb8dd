// Netlink: talking to the kernel, and believing only what was checked.
//
//   RouteSocket ───────┐                      ┌── LinkMessage, AddressMessage, NeighbourMessage
//   RouteEventSocket ──┼── NetlinkSocket ─────┤
//   NetfilterSocket ───┘   sends, receives,   └── ReceivedElement, QuotaObject, Acknowledgement
//                          checks who answers     read through Attributes over WireBytes
//   NetfilterBatch ── MessageBuilder ──▶ one sendmsg, all or nothing
//
// Requests are written by `MessageBuilder`, which cannot overflow a length field unnoticed. Answers are read through `WireBytes`,
// whose every access is checked: bytes that no kernel would send give nil or an error, never a trap. A socket stays in the
// network namespace it was made in. There is no library below but the kernel's own headers: what libnl would do here is
// a socket call and four-byte alignment, and its message types would hide the checks.
//
// It knows nothing of clients, quotas' meaning or prices: that is LinuxHAL's and its callers'.
