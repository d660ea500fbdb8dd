import HAL
import Primitives

/// What the kernel holds of one client, but for its live elements, which the kernel itself may take out at any time.
struct HeldClient: Equatable {
    enum Service: Equatable {
        /// Adopted: it may be in service.
        case unknown
        case stopped
        case forever
        case leased
    }

    var port: String
    var bindings: Set<GateBinding> = []
    /// What traffic may come down to. The same addresses as in `bindings`, unless somebody else changed the table.
    var downs: Set<IPAddress> = []
    /// As asked for; nil when it was adopted and is not known. The kernel's may be greater by what it counted of dropped packets.
    var byteLimit: UInt64?
    var service: Service = .unknown
}

/// What the kernel holds of all clients.
struct GateHoldings: Equatable {
    private(set) var clients: [ClientMark: HeldClient] = [:]
    private(set) var owners: [IPAddress: ClientMark] = [:]

    subscript(mark: ClientMark) -> HeldClient? {
        get { clients[mark] }
        set {
            for address in clients[mark]?.downs ?? [] where owners[address] == mark { owners[address] = nil }
            for address in newValue?.downs ?? [] { owners[address] = mark }
            clients[mark] = newValue
        }
    }
}
