import Charging
import HAL
import LinuxHAL
import Primitives
import ServiceLifecycle
import SimulatedHAL
import StationAPI

/// Moves a simulated board on in real time.
struct SimulatedTime: Service {
    let board: SimulatedStation

    func run() async throws {
        let clocks = try LinuxClocks()
        try await cancelWhenGracefulShutdown {
            do { try await board.run(by: clocks) } catch is CancellationError {}
        }
        board.close()
    }
}

/// A disk that is full for as long as that fault lasts; otherwise it is the real one.
struct SimulatedDisk: ChargingStore {
    let store: any ChargingStore
    let board: SimulatedStation

    func commit(_ records: [Record]) async throws(StorageError) {
        guard !board.isDiskFull else {
            throw StorageError(.full, "the simulated disk is full; basestation sim fault --fault none mends it")
        }
        try await store.commit(records)
    }

    func usage(since: WallTime, after last: UsageRecord?, limit: Int) async throws(StorageError) -> [Signed<UsageRecord>] {
        try await store.usage(since: since, after: last, limit: limit)
    }

    func usage(of session: SessionID) async throws(StorageError) -> Signed<UsageRecord>? { try await store.usage(of: session) }

    func proof(of session: SessionID) async throws(StorageError) -> UsageProof? { try await store.proof(of: session) }

    func totals(since: WallTime) async throws(StorageError) -> UsageTotals { try await store.totals(since: since) }
    func bytesWritten() async -> UInt64 { await store.bytesWritten() }
}

/// Carries out what the owner orders of a simulated board; refuses with what to write instead.
struct SimulationPlayer: Sendable {
    let board: SimulatedStation
    /// nil where the simulated station has no Wi-Fi.
    let air: SimulatedAccessPoint?

    func perform(_ order: SimulationCommand) throws {
        do throws(HALError) { try play(order) } catch {
            throw Problem(error.kind == .missing ? .unknown : .malformed, error.description)
        }
    }

    private func play(_ order: SimulationCommand) throws(HALError) {
        let port = order.key == nil ? nil : try airPort()
        let command = try SimulatedCommand(
            action: order.action, client: order.client, rateUp: order.rateUp, rateDown: order.rateDown,
            seconds: order.seconds, fault: order.fault, port: port?.place ?? 0)
        switch command {
        case .traffic(let number, _, _, _) where board.simulatedClient(number) == nil:
            throw HALError(.missing, "client \(number) is not there", mend: "basestation sim join --client \(number)")
        // The agent would outlive the boot that its clock counts from, which no board's does.
        case .fault(.reboot, _):
            throw HALError(.unsupported, "this board reboots with its daemon", mend: "stop basestationd and start it again")
        case .leave(let number):
            if let mac = board.simulatedClient(number)?.mac { air?.leave(mac) }
        default: break
        }
        board.perform(command)
        if case .join(let number, _) = command, let port, let key = order.key {
            try join(number, with: key, on: port.name)
        }
    }

    private func airPort() throws(HALError) -> (name: String, place: Int) {
        guard let name = air?.ports.first, let place = board.world.settings.ports.firstIndex(of: name) else {
            throw HALError(.unsupported, "this station has no Wi-Fi", mend: "write port and country below [wifi]")
        }
        return (name, place)
    }

    private func join(_ number: Int, with key: UInt32, on port: String) throws(HALError) {
        guard let client = board.simulatedClient(number), client.port == port else {
            throw HALError(.unsupported, "client \(number) is on another port", mend: "use a number that has not joined yet")
        }
        guard air?.join(client.mac, with: "k\(key)", on: port) == true else {
            throw HALError(.missing, "no key \(key) is in force", mend: "basestation key list")
        }
    }
}
