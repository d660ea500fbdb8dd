import HAL
import Primitives

/// What the kernel holds of one client, but for its lease, which may end at any time.
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
    /// As asked for; nil when it is not known, as of an adopted client.
    var byteLimit: UInt64?
    /// By so much the kernel's limit is greater: its quota has counted so many bytes of packets that it refused.
    var excess: UInt64 = 0
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
