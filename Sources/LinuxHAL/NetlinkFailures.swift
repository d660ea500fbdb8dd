import Glibc
import HAL
import Netlink

extension HALError {
    /// What a netlink failure means to the one who must act.
    init(_ error: NetlinkError, doing what: String) {
        let detail = "cannot \(what): \(error)"
        switch (error, error.errno) {
        case (.interrupted, _): self.init(.interrupted, detail, mend: "try again")
        case (.overrun, _): self.init(.interrupted, detail, mend: "read again")
        case (_, EPERM?), (_, EACCES?): self = .notPermitted(to: what)
        case (_, ENOENT?), (_, ENODEV?): self.init(.missing, detail, mend: "restart the station: it makes what is missing")
        case (_, EBUSY?), (_, EEXIST?), (_, EAGAIN?): self.init(.busy, detail, mend: "something else holds it; try again")
        case (_, ENFILE?), (_, ENOSPC?), (_, ENOMEM?), (_, ENOBUFS?):
            self.init(.full, detail, mend: "the kernel has no room: serve fewer clients, or raise the set sizes in gate.nft")
        case (_, EOPNOTSUPP?), (_, EPROTONOSUPPORT?), (_, EAFNOSUPPORT?):
            self.init(
                .unsupported, detail,
                mend: "this kernel lacks nf_tables: load the modules nf_tables, nft_quota, nft_objref and nft_ct")
        default: self.init(.broken, detail, mend: "")
        }
    }

    static func notPermitted(to what: String) -> HALError {
        HALError(
            .notPermitted, "cannot \(what): it needs CAP_NET_ADMIN",
            mend: "run as root or grant it with AmbientCapabilities=CAP_NET_ADMIN in the unit")
    }

    static func missing(interface: String, among names: [String]) -> HALError {
        let there = names.filter { $0 != "lo" }.sorted().joined(separator: ", ")
        return HALError(
            .missing, "there is no interface \(interface); the board has \(there.isEmpty ? "none" : there)",
            mend: "set the ports in /etc/basestation/station.toml")
    }
}

/// Runs `body` and gives its failure as the hardware's.
func netlink<Result>(_ what: String, _ body: () throws(NetlinkError) -> Result) throws(HALError) -> Result {
    do throws(NetlinkError) { return try body() } catch { throw HALError(error, doing: what) }
}
