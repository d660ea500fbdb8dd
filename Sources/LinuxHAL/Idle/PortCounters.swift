import Netlink
import Primitives

/// Sums over ports that only grow, also when a port vanishes and comes back from zero. Pure.
struct PortCounters {
    struct Counts: Hashable {
        var packets: UInt64
        var withoutRoom: UInt64
    }

    /// An interface that is made anew has a new index, and counts from zero.
    private var seen: [Int32: Counts] = [:]
    private(set) var clientPackets: UInt64 = 0
    private(set) var withoutRoom: UInt64 = 0

    mutating func take(_ links: [LinkMessage], clients: Set<String>, uplink: String?) {
        var now: [Int32: Counts] = [:]
        for link in links where clients.contains(link.name) || link.name == uplink {
            let counts = Counts(
                packets: link.packetsReceived.saturatingAdd(link.packetsSent), withoutRoom: link.packetsWithoutRoom)
            let before = seen[link.index] ?? Counts(packets: 0, withoutRoom: 0)
            // Some drivers start anew when they are set up again: what is there then is what came since.
            let restarted = counts.packets < before.packets
            if clients.contains(link.name) {
                clientPackets = clientPackets.saturatingAdd(restarted ? counts.packets : counts.packets - before.packets)
            }
            withoutRoom = withoutRoom.saturatingAdd(counts.withoutRoom.saturatingSubtract(restarted ? 0 : before.withoutRoom))
            now[link.index] = counts
        }
        seen = now
    }
}
