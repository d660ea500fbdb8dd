import HAL
import Netlink
import Primitives

/// What is known of links and neighbours, so that only changes are told: the kernel repeats itself. Pure.
struct LinkPicture {
    /// Beyond it news may be repeated; none is lost.
    static let neighboursMax = 16_384

    private struct Port {
        var name: String
        var isWorking: Bool
    }
    private struct Place: Hashable {
        var index: Int32
        var address: IPAddress
    }
    private var ports: [Int32: Port] = [:]
    private var neighbours: [Place: MACAddress] = [:]

    init(_ links: [LinkMessage]) {
        for link in links { ports[link.index] = Port(name: link.name, isWorking: link.isUp && link.hasCarrier) }
    }

    mutating func forgetNeighbours() { neighbours = [:] }

    mutating func take(_ event: RouteEvent) -> [LinkEvent] {
        switch event {
        case .link(let link): changed(link)
        case .linkGone(let link): gone(link)
        case .neighbour(let message): changed(message)
        case .neighbourGone(let message): gone(message)
        }
    }

    private mutating func changed(_ link: LinkMessage) -> [LinkEvent] {
        let before = ports[link.index]
        let isWorking = link.isUp && link.hasCarrier
        ports[link.index] = Port(name: link.name, isWorking: isWorking)
        if let before, before.name != link.name {
            return (before.isWorking ? [.linkDown(port: before.name)] : []) + (isWorking ? [.linkUp(port: link.name)] : [])
        }
        guard before?.isWorking != isWorking, before != nil || isWorking else { return [] }
        return [isWorking ? .linkUp(port: link.name) : .linkDown(port: link.name)]
    }

    private mutating func gone(_ link: LinkMessage) -> [LinkEvent] {
        neighbours = neighbours.filter { $0.key.index != link.index }
        guard let before = ports.removeValue(forKey: link.index), before.isWorking else { return [] }
        return [.linkDown(port: before.name)]
    }

    private mutating func changed(_ message: NeighbourMessage) -> [LinkEvent] {
        if message.hasFailed { return gone(message) }
        guard message.isKnown, let mac = message.mac, !mac.isMulticast, message.address.isUnicast,
            let port = ports[message.index]
        else { return [] }
        let place = Place(index: message.index, address: message.address)
        guard neighbours[place] != mac else { return [] }
        if neighbours.count < Self.neighboursMax || neighbours[place] != nil { neighbours[place] = mac }
        return [.neighbour(Neighbour(port: port.name, mac: mac, address: message.address))]
    }

    private mutating func gone(_ message: NeighbourMessage) -> [LinkEvent] {
        let known = neighbours.removeValue(forKey: Place(index: message.index, address: message.address))
        guard let mac = message.mac ?? known, let port = ports[message.index], !mac.isMulticast, message.address.isUnicast
        else { return [] }
        return [.neighbourGone(Neighbour(port: port.name, mac: mac, address: message.address))]
    }
}
