import Glibc
import HAL
import Primitives

/// dnsmasq: addresses and names for clients. It outlives the agent, as their leases do.
struct AddressService {
    static let startMilliseconds: Int32 = 10_000
    static let leaseFileLimit = 4_096

    let plan: WirelessPlan
    let text: String
    private let pidPath: String

    init(_ plan: WirelessPlan) {
        self.plan = plan
        let body = Self.body(plan)
        pidPath = "\(plan.runtimeDirectory)/\(Self.prefix)\(fingerprint(body)).pid"
        text = "# Written by basestationd: changes are lost.\n\(body)pid-file=\(pidPath)\n"
    }

    private static let prefix = "dnsmasq-"
    private static func leasePath(_ plan: WirelessPlan) -> String { plan.runtimeDirectory + "/leases" }

    /// RFC 8910: option 114 and DHCPv6's 103 name the captive portal's API (RFC 8908).
    private static func body(_ plan: WirelessPlan) -> String {
        var text = """
            bind-dynamic
            except-interface=lo
            no-hosts
            domain-needed
            bogus-priv
            dhcp-authoritative
            dhcp-rapid-commit
            dhcp-leasefile=\(leasePath(plan))
            enable-ra

            """
        if !plan.usesUnits { text += "user=nobody\n" }  // a unit says itself whose it is
        for port in plan.addressing {
            let four = { (last: UInt32) in IPAddress.v4(port.network4 | last) }
            text += """
                interface=\(port.port)
                dhcp-range=set:\(port.port),\(four(10)),\(four(250)),255.255.255.0,\(plan.leaseSeconds)
                dhcp-range=set:\(port.port),::1000,::ffff,constructor:\(port.port),slaac,64,\(plan.leaseSeconds)
                dhcp-option=tag:\(port.port),114,\(portal("\(port.station4)", plan))
                dhcp-option=tag:\(port.port),option6:103,\(portal("[\(port.station6)]", plan))
                ra-param=\(port.port),60,1800

                """
        }
        return text
    }

    private static func portal(_ host: String, _ plan: WirelessPlan) -> String {
        "http://\(host):\(plan.portalPort)/.well-known/captive-portal"
    }

    /// Whether it runs with this configuration.
    var isRunning: Bool { Self.processID(in: pidPath) != nil }

    /// Ends one with another configuration, and has one started with this.
    func start() throws(HALError) {
        guard !plan.addressing.isEmpty else { return }
        for name in Folder.names(in: plan.runtimeDirectory) where name.hasPrefix(Self.prefix) && name.hasSuffix(".pid") {
            let path = "\(plan.runtimeDirectory)/\(name)"
            if let process = Self.processID(in: path) {
                kill(process, SIGTERM)
                for _ in 0..<100 where Self.processID(in: path) != nil { usleep(20_000) }
            }
            unlink(path)
        }
        let path = plan.runtimeDirectory + "/dnsmasq.conf"
        try TextFile.write(text, to: path)
        guard !plan.usesUnits else { return }  // its path unit sees the file
        let (status, output) = Program.run(["dnsmasq", "-C", path], milliseconds: Self.startMilliseconds)
        switch status {
        case 0: return
        case -ENOENT: throw HALError(.missing, "dnsmasq is not installed", mend: "install it with: apt-get install dnsmasq-base")
        case _ where output.contains("Address already in use"):
            throw HALError(
                .busy, "another DHCP or DNS server has the ports of \(plan.addressing.map(\.port).joined(separator: ", "))",
                mend: "stop it: ss -lunp 'sport = :67 or sport = :53' names it")
        default:
            let reason = output.split(separator: "\n").last.map(String.init) ?? "exit status \(status)"
            throw HALError(.broken, "dnsmasq does not start: \(reason)", mend: "see dnsmasq --test -C \(path)")
        }
    }

    /// The process that wrote it, if that still is dnsmasq.
    private static func processID(in path: String) -> pid_t? {
        guard let text = try? TextFile.read(path), let process = pid_t(text.prefix { $0.isNumber }),
            let name = try? TextFile.read("/proc/\(process)/comm"), name == "dnsmasq\n"
        else { return nil }
        return process
    }

    /// `expiry MAC address name client-id` a line; DHCPv6's lines name no MAC and are left to the kernel's neighbour table.
    func leases() -> [Lease] {
        guard let text = try? TextFile.read(Self.leasePath(plan)) else { return [] }  // nobody was given one yet
        return text.split(separator: "\n").prefix(Self.leaseFileLimit).compactMap(Lease.init(line:))
    }
}

extension Lease {
    /// nil if it is no line of dnsmasq's about an Ethernet client.
    init?(line: Substring) {
        let words = line.split(separator: " ", maxSplits: 5)
        guard words.count >= 4, let mac = MACAddress(String(words[1])), let address = IPAddress(String(words[2])) else {
            return nil
        }
        let name =
            words[3] == "*"
            ? "" : String(words[3].prefix(63).filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") })
        self.init(mac: mac, address: address, name: name)
    }
}
