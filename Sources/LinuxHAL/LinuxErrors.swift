import Glibc
import HAL
import Netlink

extension HALError {
    /// A netlink failure in words for the technician.
    init(_ error: NetlinkError, doing what: String) {
        let detail = "\(what) failed: \(error)"
        switch error {
        case .interrupted: self.init(.interrupted, detail, mend: "it is read again in a second")
        case .overrun: self.init(.interrupted, detail, mend: "everything is read again")
        case .malformed: self.init(.broken, detail, mend: "report it with the kernel's version (uname -r)")
        case .refused(let errno, _, _), .socket(let errno):
            switch errno {
            case EPERM, EACCES:
                self.init(
                    .notPermitted, "\(what) needs the capability CAP_NET_ADMIN",
                    mend: "run as root, or set AmbientCapabilities=CAP_NET_ADMIN in the unit")
            case ENOENT, ENODEV: self.init(.missing, detail, mend: "is the table \"inet gate\" still there? nft list tables")
            case EEXIST, EBUSY:
                self.init(.busy, detail, mend: "the address belongs to another client until that one is gone")
            case ENFILE, ENOSPC, ENOMEM: self.init(.full, detail, mend: "disconnect some clients")
            case EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT:
                self.init(.unsupported, detail, mend: "this kernel lacks nf_tables; use Debian's, 6.1 or later")
            default: self.init(.broken, detail, mend: "see dmesg")
            }
        }
    }

    init(_ kind: Kind, port: String) {
        self.init(
            kind, "there is no interface \(port)",
            mend: "\"ip link\" shows what there is; name the ports under [network] in station.toml")
    }
}
