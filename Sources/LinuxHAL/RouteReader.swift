import CNetlink
import Glibc
public import HAL
public import Netlink
public import Primitives

/// What rtnetlink says about links, addresses and neighbours (linux/rtnetlink.h). The parsers take raw bytes, so that they can be fuzzed.
public enum RouteReader {
    /// `RTM_NEWLINK`: `struct ifinfomsg`, attributes.
    public static func link(in body: Bytes) -> Link? {
        guard body.count >= 16 else { return nil }
        let flags = body.native(UInt32.self, at: 8)
        var link = Link(
            name: "", index: body.native(Int32.self, at: 4), mac: nil, isUp: flags & UInt32(IFF_UP) != 0,
            hasCarrier: flags & 0x10000 /* IFF_LOWER_UP */ != 0, mtu: 0, addresses: [])
        for (type, value) in Attributes(body.dropping(16)) {
            switch UInt32(type) {
            case UInt32(IFLA_IFNAME): link.name = value.text
            case UInt32(IFLA_ADDRESS): link.mac = MACAddress(octets: value.array)
            case UInt32(IFLA_MTU): link.mtu = value.native(UInt32.self)
            case UInt32(IFLA_STATS64):
                // struct rtnl_link_stats64: rx_packets, tx_packets, rx_bytes, tx_bytes
                link.bytesReceived = value.native(UInt64.self, at: 16)
                link.bytesSent = value.native(UInt64.self, at: 24)
            default: continue
            }
        }
        return link.name.isEmpty ? nil : link
    }

    /// `RTM_NEWADDR`: `struct ifaddrmsg`, attributes.
    public static func address(in body: Bytes) -> (index: Int32, address: IPAddress)? {
        guard body.count >= 8 else { return nil }
        let attributes = body.dropping(8)
        // IFA_LOCAL is the interface's own address on a point-to-point link
        guard let value = attributes.attribute(UInt16(IFA_LOCAL)) ?? attributes.attribute(UInt16(IFA_ADDRESS)),
            let address = IPAddress(bytes: value.array)
        else { return nil }
        return (body.native(Int32.self, at: 4), address)
    }

    /// `RTM_NEWNEIGH`: `struct ndmsg`, attributes. `isUsable` is false for entries that failed or were never answered.
    public static func neighbour(in body: Bytes) -> (index: Int32, mac: MACAddress, address: IPAddress, isUsable: Bool)? {
        guard body.count >= 12 else { return nil }
        let attributes = body.dropping(12)
        guard let mac = attributes.attribute(UInt16(NDA_LLADDR)).flatMap({ MACAddress(octets: $0.array) }),
            let address = attributes.attribute(UInt16(NDA_DST)).flatMap({ IPAddress(bytes: $0.array) })
        else { return nil }
        let state = Int32(body.native(UInt16.self, at: 8))
        return (body.native(Int32.self, at: 4), mac, address, state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP) == 0)
    }

    // MARK: asking

    private static let linkHeader = [UInt8](repeating: 0, count: 16)

    static func link(named name: String, on socket: NetlinkSocket) throws(NetlinkError) -> Link? {
        var found: Link?
        do {
            try socket.request(UInt16(RTM_GETLINK), flags: 0, header: linkHeader) { message in
                message.attribute(UInt16(IFLA_IFNAME), string: name)
            } _: {
                found = link(in: $0.body)
            }
        } catch { if error.errno == ENODEV { return nil } else { throw error } }
        return found
    }

    static func links(on socket: NetlinkSocket) throws(NetlinkError) -> [Link] {
        var links: [Link] = []
        try socket.request(UInt16(RTM_GETLINK), flags: NLM_F_DUMP, header: linkHeader) { _ in
        } _: {
            if let link = link(in: $0.body) { links.append(link) }
        }
        try socket.request(UInt16(RTM_GETADDR), flags: NLM_F_DUMP, header: [UInt8](repeating: 0, count: 8)) { _ in
        } _: { message in
            guard let (index, address) = address(in: message.body),
                let position = links.firstIndex(where: { $0.index == index })
            else { return }
            links[position].addresses.append(address)
        }
        return links
    }

    static func neighbours(on socket: NetlinkSocket, _ visit: (Int32, MACAddress, IPAddress) -> Void) throws(NetlinkError) {
        try socket.request(UInt16(RTM_GETNEIGH), flags: NLM_F_DUMP, header: [UInt8](repeating: 0, count: 12)) { _ in
        } _: { message in
            if let found = neighbour(in: message.body), found.isUsable { visit(found.index, found.mac, found.address) }
        }
    }

    /// Makes an entry permanent, or takes it out.
    static func setNeighbour(_ neighbour: Neighbour, index: Int32, isPinned: Bool, on socket: NetlinkSocket) throws(NetlinkError)
    {
        var header = [UInt8](repeating: 0, count: 12)
        header[0] = UInt8(neighbour.address.isIPv6 ? AF_INET6 : AF_INET)
        withUnsafeBytes(of: index) { header.replaceSubrange(4..<8, with: $0) }
        withUnsafeBytes(of: UInt16(isPinned ? NUD_PERMANENT : NUD_STALE)) { header.replaceSubrange(8..<10, with: $0) }
        // Let go of as STALE rather than deleted: the device stays known, and the kernel asks again when it matters.
        try socket.request(UInt16(RTM_NEWNEIGH), flags: NLM_F_CREATE | NLM_F_REPLACE, header: header) { message in
            message.attribute(UInt16(NDA_DST), neighbour.address.bytes)
            message.attribute(UInt16(NDA_LLADDR), neighbour.mac.octets)
        }
    }
}
