import Primitives

// Kernel settings first, so that the interfaces made afterwards inherit them; then wires, addresses, routes, neighbours, offload.
extension Topology {
    func build() throws {
        for namespace in namespaces { try setDefaults(of: namespace) }
        try wire()
        try configureRouter()
        try configureServer()
        for client in clients { try configure(client) }
        for (namespace, interface) in interfaces { try namespace.setOffload(plan.offload, on: interface) }
    }

    private func setDefaults(of namespace: Namespace) throws {
        // Addresses are usable at once, and nobody asks the link who else is there.
        for setting in ["accept_dad", "accept_ra", "router_solicitations"] {
            try namespace.set("net.ipv6.conf.default.\(setting)", to: "0")
        }
        // Membership reports are repeated after up to this many milliseconds: let them all be said at once, then be quiet.
        try namespace.set("net.ipv6.conf.default.mldv2_unsolicited_report_interval", to: "1")
        if namespace === air { try namespace.set("net.ipv6.conf.default.disable_ipv6", to: "1") }
        guard namespace === router else { return }
        try namespace.set("net.ipv4.ip_forward", to: "1")
        try namespace.set("net.ipv6.conf.all.forwarding", to: "1")
        try namespace.set("net.ipv4.conf.all.send_redirects", to: "0")
        try namespace.set("net.ipv4.conf.default.send_redirects", to: "0")
    }

    private func wire() throws {
        let link = { (name: String, mac: MACAddress, peer: String, there: Namespace) in
            "link add \(name) address \(mac) type veth peer name \(peer) netns \(there.name)"
        }
        try router.configure([
            "link add wan0 address \(Addresses.wan0) type veth peer name srv0 address \(Addresses.srv0) netns \(server.name)"
        ])
        guard let air else {
            let client = clients[0]
            try router.configure([
                "link add lan0 address \(Addresses.lan0) type veth peer name eth0 address \(client.mac) netns \(client.namespace.name)"
            ])
            return
        }
        try router.configure([link("lan0", Addresses.lan0, "router", air)])
        for client in clients { try client.namespace.configure([link("eth0", client.mac, airPort(of: client), air)]) }
        let ports = ["router"] + clients.map(airPort)
        try air.configure(
            ["link add air type bridge mcast_snooping 0", "link set air up"] + ports.map { "link set \($0) master air up" })
    }

    private func configureRouter() throws {
        var lines = ["link set lan0 up", "link set wan0 up"]
        for family in Family.allCases {
            lines += [
                assign(Addresses.router(.lan, family), .lan, "lan0"), assign(Addresses.router(.wan, family), .wan, "wan0"),
                "route add default via \(Addresses.server(family))",
            ]
            lines += pin(Addresses.server(family), Addresses.srv0, "wan0")
            for client in clients {
                if let address = client.address(family) { lines += pin(address, client.mac, "lan0") }
            }
        }
        // The server's per-client addresses are on the router's own link, so each is a neighbour.
        for client in clients {
            for family in Family.allCases { lines += pin(client.server(family), Addresses.srv0, "wan0") }
        }
        try router.configure(lines)
    }

    private func configureServer() throws {
        var lines = ["link set srv0 up"]
        for family in Family.allCases {
            lines += [assign(Addresses.server(family), .wan, "srv0")]
            lines += clients.map { assign($0.server(family), .wan, "srv0") }
            lines += ["route add \(Addresses.Net.lan.prefix(family)) via \(Addresses.router(.wan, family))"]
            lines += pin(Addresses.router(.wan, family), Addresses.wan0, "srv0")
        }
        try server.configure(lines)
    }

    private func configure(_ client: Client) throws {
        var lines = ["link set eth0 up"]
        for family in Family.allCases {
            guard let address = client.address(family) else { continue }
            lines += [assign(address, .lan, "eth0"), "route add default via \(Addresses.router(.lan, family))"]
            lines += pin(Addresses.router(.lan, family), Addresses.lan0, "eth0")
        }
        try client.namespace.configure(lines)
    }

    private func assign(_ address: IPAddress, _ net: Addresses.Net, _ interface: String) -> String {
        let family: Family = address.isIPv6 ? .v6 : .v4
        return "address add \(address)/\(net.length(family)) dev \(interface)" + (address.isIPv6 ? " nodad" : "")
    }

    private func pin(_ address: IPAddress, _ mac: MACAddress, _ interface: String) -> [String] {
        plan.pinsNeighbours ? ["neighbour replace \(address) lladdr \(mac) dev \(interface) nud permanent"] : []
    }

    private func airPort(of client: Client) -> String { "client\(client.index)" }

    private var interfaces: [(Namespace, String)] {
        var all = [(router, "lan0"), (router, "wan0"), (server, "srv0")] + clients.map { ($0.namespace, "eth0") }
        if let air { all += (["router"] + clients.map(airPort)).map { (air, $0) } }
        return all
    }
}
