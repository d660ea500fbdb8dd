import Foundation
import Lab

/// What the gate costs the packets that pass it, against a router that only masquerades.
///
/// One thread on one processor sends a slice through the one router, then through the other, and so on: whatever else the
/// machine does, it does to both. A packet's whole way is in the sender's processor time, for in these wires the kernel
/// forwards in the context of who sends.
struct ForwardFigures {
    var rounds: Int
    var clients: [Int]
    /// Rules to compare with the board's; nil for none.
    var otherRules: String?
    var say: (String) -> Void

    private struct Site {
        /// What stands before the number of clients in a key: "" for the gate, "other_" for other rules.
        var prefix: String
        var site: ForwardSite
    }

    private enum Load: Hashable {
        case packets(Frames.Way), tcp(offload: Bool)
    }

    func measure() async throws -> [Figure] {
        var figures: [Figure] = []
        for count in clients {
            say("forwarding with \(count) clients")
            let start = ContinuousClock.now
            var sites: [Site] = []
            defer { sites.forEach { $0.site.close() } }
            sites.append(Site(prefix: "plain_", site: try await ForwardSite(.plain, clients: count)))
            for (prefix, rules) in [("", Products.rules), ("other_", otherRules)] {
                guard let rules else { continue }
                let gate = ForwardSite.Kind.gate(rules: rules, clients: count)
                sites.append(Site(prefix: prefix, site: try await ForwardSite(gate, clients: count)))
            }
            say("  made in \(start.duration(to: .now).seconds.formatted(decimals: 1)) s")
            figures += try measure(sites, clients: count)
        }
        return figures
    }

    private func measure(_ sites: [Site], clients: Int) throws -> [Figure] {
        var costs: [Family: [Load: [[Double]]]] = [:]
        let packets = max(clients, 20_000)
        for family in Family.allCases {
            let before = try sites.map { try $0.site.delivered() }
            for way in Frames.Way.allCases {
                costs[family, default: [:]][.packets(way)] = try slices(sites, units: packets) {
                    try $0.spray(way, family, packets: packets)
                }
            }
            try checkDelivery(sites, since: before, sent: packets * slicesPerSite * Frames.Way.allCases.count)
            for offload in [false, true] {
                try sites.forEach { try $0.site.setOffload(offload) }
                let bytes = offload ? 128_000_000 : 24_000_000
                try sites.forEach { try $0.site.stream(family, bytes: Int64(bytes)) }
                costs[family]![.tcp(offload: offload)] = try slices(sites, units: bytes) {
                    try $0.stream(family, bytes: Int64(bytes))
                }
            }
            try sites.forEach { try $0.site.setOffload(false) }
        }
        return sites.indices.dropFirst().flatMap { place in
            Family.allCases.flatMap {
                figures(costs[$0]!, family: $0, place: place, prefix: sites[place].prefix, clients: clients)
            }
        }
    }

    private static let turns = 2
    private var slicesPerSite: Int { (rounds + 1) * Self.turns }

    /// Nanoseconds a unit: of each site, of each round. Each round goes forth and back through the sites; the first is thrown away.
    private func slices(_ sites: [Site], units: Int, _ body: (ForwardSite) throws -> Void) throws -> [[Double]] {
        try ProcessorTime.pinned { time in
            var costs = sites.map { _ in [Double]() }
            for _ in 0...rounds {
                var spent = sites.map { _ in 0.0 }
                for turn in 0..<Self.turns {
                    for place in turn.isMultiple(of: 2) ? Array(sites.indices) : sites.indices.reversed() {
                        spent[place] += try time.spent { try body(sites[place].site) }
                    }
                }
                for place in sites.indices { costs[place].append(spent[place] / Double(units * Self.turns)) }
            }
            return costs.map { Array($0.dropFirst()) }
        }
    }

    /// Dropping is cheap: a router that loses packets would look fast.
    private func checkDelivery(_ sites: [Site], since before: [UInt64], sent: Int) throws {
        for (site, before) in zip(sites, before) {
            let passed = Int(try site.site.delivered() - before)
            guard Double(passed) > Double(sent) * 0.999 else {
                throw LabError.unreadable(what: "forwarding", text: "\(passed) of \(sent) packets passed (\(site.prefix))")
            }
        }
    }

    private func figures(
        _ costs: [Load: [[Double]]], family: Family, place: Int, prefix: String, clients: Int
    ) -> [Figure] {
        let word = family == .v6 ? "_ipv6" : ""
        let label = "\(family == .v6 ? "IPv6" : "IPv4"), \(clients) clients"
        let key = { (what: String) in "forward\(word)_\(prefix)\(what)_ratio_\(clients)" }
        let plain = { (load: Load) in costs[load]![0] }
        let gate = { (load: Load) in costs[load]![place] }
        let ratio = { (above: [Double], below: [Double]) in zip(above, below).map { $0 / $1 } }
        let sum = { (costs: (Load) -> [Double]) in zip(costs(.packets(.up)), costs(.packets(.down))).map { $0 + $1 } }
        let nanoseconds = { (load: Load) in Int(plain(load).quantile(0.5).rounded()) }
        var figures = [
            Figure(
                key("cpu_per_packet"), "CPU per 64-byte packet, \(label)", unit: "ratio", goal: .atMost(1.15),
                reference: "plain NAT: \(nanoseconds(.packets(.up))) ns up, \(nanoseconds(.packets(.down))) ns down",
                rounds: ratio(sum(gate), sum(plain)))
        ]
        for way in Frames.Way.allCases {
            figures.append(
                Figure(
                    key("cpu_per_packet_\(way)"), "  of it \(way)", unit: "ratio",
                    reference: "plain NAT: \(nanoseconds(.packets(way))) ns",
                    rounds: ratio(gate(.packets(way)), plain(.packets(way)))))
        }
        for (offload, name, title) in [(false, "tcp_mtu", "TCP at MTU"), (true, "tcp_gso", "TCP with offload")] {
            let load = Load.tcp(offload: offload)
            // Throughput of a processor is the inverse of what a byte costs it.
            let gigabits = (8 / plain(load).quantile(0.5)).formatted(decimals: 1)
            figures.append(
                Figure(
                    key(name), "\(title), \(label)", unit: "ratio", goal: .atLeast(0.95),
                    reference: "plain NAT: \(gigabits) Gb/s of one core that sends, forwards and receives",
                    rounds: ratio(plain(load), gate(load))))
        }
        for index in figures.indices where !prefix.isEmpty { figures[index].mark = "*" }
        return figures
    }
}
