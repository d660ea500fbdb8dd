import CNetlink
import Glibc
public import Primitives

/// Links, addresses and neighbours over rtnetlink. One thread at a time.
public final class RouteSocket {
    private let socket: NetlinkSocket

    public init(in namespace: NetworkNamespace? = nil) throws(NetlinkError) {
        socket = try NetlinkSocket(Int32(NETLINK_ROUTE), in: namespace)
    }

    public func links() throws(NetlinkError) -> [LinkMessage] {
        var found: [LinkMessage] = []
        try dump("read the interfaces", RTM_GETLINK, zeros: LinkMessage.headerSize) { message throws(NetlinkError) in
            guard message.type == Int(RTM_NEWLINK) else { return }
            guard let link = LinkMessage(payload: message.payload) else { throw .malformed("an interface") }
            found.append(link)
        }
        return found
    }

    /// nil if there is no interface of that name.
    public func link(_ name: String) throws(NetlinkError) -> LinkMessage? {
        var builder = MessageBuilder()
        builder.message(type: Int(RTM_GETLINK), flags: 0) { builder in
            builder.append([UInt8](repeating: 0, count: LinkMessage.headerSize))
            builder.attribute(Int(IFLA_IFNAME), text: name)
        }
        var link: LinkMessage?
        do throws(NetlinkError) {
            try socket.request("look for interface \(name)", builder) { message throws(NetlinkError) in
                guard let found = LinkMessage(payload: message.payload) else { throw .malformed("interface \(name)") }
                link = found
            }
        } catch {
            guard error.errno == ENODEV else { throw error }
        }
        return link
    }

    public func addresses() throws(NetlinkError) -> [AddressMessage] {
        var found: [AddressMessage] = []
        try dump("read the addresses", RTM_GETADDR, zeros: AddressMessage.headerSize) { message throws(NetlinkError) in
            guard message.type == Int(RTM_NEWADDR), let address = AddressMessage(payload: message.payload) else { return }
            found.append(address)
        }
        return found
    }

    public func neighbours() throws(NetlinkError) -> [NeighbourMessage] {
        var found: [NeighbourMessage] = []
        try dump("read the neighbours", RTM_GETNEIGH, zeros: NeighbourMessage.headerSize) { message throws(NetlinkError) in
            guard message.type == Int(RTM_NEWNEIGH), let one = NeighbourMessage(payload: message.payload) else { return }
            found.append(one)
        }
        return found
    }

    /// Fixes who answers for `address`: the kernel neither asks nor believes others.
    public func setPermanentNeighbour(_ address: IPAddress, mac: MACAddress, index: Int32) throws(NetlinkError) {
        try neighbour(
            RTM_NEWNEIGH, flags: Int(NLM_F_CREATE | NLM_F_REPLACE), address: address, mac: mac, index: index,
            state: UInt16(NUD_PERMANENT))
    }

    /// Does nothing if there is none.
    public func deleteNeighbour(_ address: IPAddress, index: Int32) throws(NetlinkError) {
        do throws(NetlinkError) {
            try neighbour(RTM_DELNEIGH, flags: 0, address: address, mac: nil, index: index, state: 0)
        } catch {
            guard error.errno == ENOENT else { throw error }
        }
    }

    /// Gives an interface an address; does nothing if it has it.
    public func add(_ address: IPAddress, prefixLength: UInt8, index: Int32) throws(NetlinkError) {
        var builder = MessageBuilder()
        builder.message(type: Int(RTM_NEWADDR), flags: Int(NLM_F_CREATE | NLM_F_REPLACE)) { builder in
            builder.append([UInt8(address.isIPv6 ? AF_INET6 : AF_INET), prefixLength, 0, 0])  // of the whole universe
            builder.append(index)
            builder.attribute(Int(IFA_LOCAL), bytes: address.bytes)
            builder.attribute(Int(IFA_ADDRESS), bytes: address.bytes)
            // Nobody else has it: it is of a prefix of our own, and waiting for the proof would cost a second of service.
            if address.isIPv6 { builder.attribute(Int(IFA_FLAGS), native: UInt32(IFA_F_NODAD)) }
        }
        try socket.request("give address \(address)", builder)
    }

    public func setUp(index: Int32) throws(NetlinkError) {
        var builder = MessageBuilder()
        builder.message(type: Int(RTM_NEWLINK), flags: 0) { builder in
            builder.append([UInt8(AF_UNSPEC), 0, 0, 0])
            builder.append(index)
            builder.append(cnetlink_iff_up)
            builder.append(cnetlink_iff_up)
        }
        try socket.request("set interface \(index) up", builder)
    }

    private func neighbour(
        _ type: Int, flags: Int, address: IPAddress, mac: MACAddress?, index: Int32, state: UInt16
    ) throws(NetlinkError) {
        var builder = MessageBuilder()
        builder.message(type: type, flags: flags) { builder in
            builder.append(UInt8(address.isIPv6 ? AF_INET6 : AF_INET))
            builder.append([0, 0, 0])
            builder.append(index)
            builder.append(state)
            builder.append([0, UInt8(RTN_UNICAST)])
            builder.attribute(Int(NDA_DST), bytes: address.bytes)
            if let mac { builder.attribute(Int(NDA_LLADDR), bytes: mac.octets) }
        }
        try socket.request("neighbour \(address)", builder)
    }

    private func dump(
        _ what: String, _ type: Int, zeros: Int, _ body: (Message) throws(NetlinkError) -> Void
    ) throws(NetlinkError) {
        var builder = MessageBuilder()
        builder.message(type: type, flags: Int(NLM_F_DUMP)) { $0.append([UInt8](repeating: 0, count: zeros)) }
        try socket.dump(what, builder, body)
    }
}
