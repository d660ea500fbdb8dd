import Charging
public import HAL
public import Logging
public import Primitives
public import ServiceLifecycle

/// Who is on the clients' ports, kept up to date by link events. Addresses that a paying device newly uses go to the cashier.
public actor ClientDirectory: Service {
    private let links: any Links
    private let ports: [String]
    /// Those of them that may be absent for a time.
    private let comeAndGo: Set<String>
    private let cashier: Cashier
    private let logger: Logger
    private var neighbours: [IPAddress: Neighbour] = [:]

    /// As many as the gate holds addresses; a flood of made-up neighbours is cut here.
    static let limit = 65_536

    public init(links: any Links, ports: [String], comeAndGo: [String] = [], cashier: Cashier, logger: Logger) {
        self.comeAndGo = Set(comeAndGo)
        self.links = links
        self.ports = ports
        self.cashier = cashier
        self.logger = logger
    }

    public func run() async throws {
        let events = try await links.events()
        try await resync()
        await cancelWhenGracefulShutdown {
            for await event in events { await self.take(event) }
        }
    }

    private func take(_ event: LinkEvent) async {
        switch event {
        case .neighbour(let neighbour): await learn(neighbour)
        case .neighbourGone(let neighbour):
            if neighbours[neighbour.address] == neighbour { neighbours[neighbour.address] = nil }
        case .linkUp, .linkDown: break
        case .resync: do { try await resync() } catch { logger.warning("\(error)") }
        }
    }

    func learn(_ neighbour: Neighbour) async {
        guard ports.contains(neighbour.port), neighbour.address.isUnicast, !neighbour.mac.isMulticast,
            neighbours.count < Self.limit || neighbours[neighbour.address] != nil
        else { return }
        guard neighbours.updateValue(neighbour, forKey: neighbour.address) != neighbour else { return }
        let isPaying = await cashier.read { $0.session(of: neighbour.mac) != nil }
        if isPaying {
            await cashier.note(.seen(port: neighbour.port, mac: neighbour.mac, addresses: [neighbour.address]))
        }
    }

    private func resync() async throws {
        for port in ports {
            do {
                for neighbour in try await links.neighbours(on: port) { await learn(neighbour) }
            } catch {
                guard error.kind == .missing, comeAndGo.contains(port) else { throw error }
            }
        }
    }

    /// The device behind an address, asked of the kernel if it has not been heard of.
    public func neighbour(at address: IPAddress) async -> Neighbour? {
        if let known = neighbours[address] { return known }
        do { try await resync() } catch { logger.warning("\(error)") }
        return neighbours[address]
    }

    /// All addresses that a device was seen to use.
    public func addresses(of mac: MACAddress) -> [IPAddress] {
        neighbours.values.filter { $0.mac == mac }.map(\.address).sorted()
    }

    public func all() -> [Neighbour] { neighbours.values.sorted { ($0.mac, $0.address) < ($1.mac, $1.address) } }
}
