import CLinux
import Glibc
import HAL
import Netlink

/// Super-packets carry one header where the air carries forty: with them off, what is counted is what is carried.
enum Offloads {
    private static let switches: [(name: String, set: Int32, get: Int32)] = [
        ("GRO", ETHTOOL_SGRO, ETHTOOL_GGRO), ("TSO", ETHTOOL_STSO, ETHTOOL_GTSO), ("GSO", ETHTOOL_SGSO, ETHTOOL_GGSO),
    ]

    static func turnOff(_ port: String, in namespace: NetworkNamespace?) throws(HALError) {
        let failed = try netlink("turn off offloads of \(port)") { () throws(NetlinkError) in
            try namespace.run { () -> (name: String, errno: Int32)? in
                for item in switches {
                    let now = clinux_ethtool_get(port, UInt32(item.get))
                    // A driver that does not know the switch has nothing to turn off.
                    if now == 0 || now == -EOPNOTSUPP { continue }
                    let error = clinux_ethtool_set(port, UInt32(item.set), 0)
                    if error != 0 { return (item.name, -error) }
                }
                return nil
            }
        }
        guard let failed else { return }
        if failed.errno == EPERM { throw .notPermitted(to: "turn off \(failed.name) of \(port)") }
        throw HALError(
            failed.errno == ENODEV ? .missing : .unsupported,
            "cannot turn off \(failed.name) of \(port): \(String(cString: strerror(failed.errno)))",
            mend: "try `ethtool -K \(port) \(failed.name.lowercased()) off`, or bill by super-packets")
    }
}
