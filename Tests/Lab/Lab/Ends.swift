public import Primitives

extension Topology {
    /// The MAC address behind a port of the router or the server.
    public func mac(of port: Port) -> MACAddress {
        switch port {
        case .lan0: Addresses.lan0
        case .wan0: Addresses.wan0
        case .srv0: Addresses.srv0
        case .eth0: Addresses.mac(client: 0)
        }
    }

    /// The router's address towards the internet: what a server sees of every client behind NAT.
    public func routerAddress(_ family: Family) -> IPAddress { Addresses.router(.wan, family) }
    /// The server's own address.
    public func serverAddress(_ family: Family) -> IPAddress { Addresses.server(family) }
}
