import Glibc
import HAL
import Netlink

/// Connection tracking's one switch that the rules rely on.
enum Conntrack {
    private static let path = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose"

    /// With it on, an unknown device fills the connection table with stray TCP packets that no rate limit holds.
    static func refuseStrayTCP(in namespace: NetworkNamespace?) throws(HALError) {
        let outcome = try netlink("set \(path)") { () throws(NetlinkError) in
            try namespace.run { () -> Result<Void, HALError> in
                Result { () throws(HALError) in
                    if try TextFile.read(path).hasPrefix("0") { return }
                    try TextFile.set(path, to: "0")
                }
            }
        }
        do throws(HALError) { try outcome.get() } catch {
            throw HALError(
                error.kind, error.what,
                mend: error.kind == .missing
                    ? "load the module nf_conntrack" : "write net.netfilter.nf_conntrack_tcp_loose = 0 into /etc/sysctl.d")
        }
    }
}
