public import Primitives

/// A network interface as the kernel reports it.
public struct Link: Hashable, Sendable {
    public var name: String
    public var index: Int32
    public var mac: MACAddress?
    public var isUp: Bool
    public var hasCarrier: Bool
    public var mtu: UInt32
    public var addresses: [IPAddress]
    public var bytesReceived: UInt64
    public var bytesSent: UInt64

    public init(
        name: String, index: Int32, mac: MACAddress?, isUp: Bool, hasCarrier: Bool, mtu: UInt32,
        addresses: [IPAddress], bytesReceived: UInt64 = 0, bytesSent: UInt64 = 0
    ) {
        self.name = name
        self.index = index
        self.mac = mac
        self.isUp = isUp
        self.hasCarrier = hasCarrier
        self.mtu = mtu
        self.addresses = addresses
        self.bytesReceived = bytesReceived
        self.bytesSent = bytesSent
    }
}

/// A device seen on a link: which MAC answers for which address.
public struct Neighbour: Hashable, Sendable {
    public var port: String
    public var mac: MACAddress
    public var address: IPAddress

    public init(port: String, mac: MACAddress, address: IPAddress) {
        self.port = port
        self.mac = mac
        self.address = address
    }
}

public enum LinkEvent: Hashable, Sendable {
    case neighbour(Neighbour)
    case neighbourGone(Neighbour)
    case linkUp(port: String)
    case linkDown(port: String)
    /// Events were lost (the socket overran): read everything anew.
    case resync
}

/// The board's interfaces and who is on them.
public protocol Links: Sendable {
    func links() async throws(HALError) -> [Link]
    func neighbours(on port: String) async throws(HALError) -> [Neighbour]
    /// Events from now on. The stream ends when the HAL closes; it is bounded and says `.resync` when it had to drop.
    func events() async throws(HALError) -> AsyncStream<LinkEvent>
    /// Fixes the answer to "who has this address", so that nobody else on the link can claim it; and lets go of it.
    func pin(_ neighbour: Neighbour) async throws(HALError)
    func unpin(_ neighbour: Neighbour) async throws(HALError)
}
