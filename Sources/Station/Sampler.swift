import Charging
import HAL
public import Logging
public import Primitives
public import ServiceLifecycle

/// Reads the kernel's counters at regular times and lets the cashier charge for them.
public struct Sampler: Service {
    private let cashier: Cashier
    private let interval: Nanoseconds
    private let logger: Logger

    public init(cashier: Cashier, interval: Nanoseconds, logger: Logger) {
        self.cashier = cashier
        self.interval = interval
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await cashier.clocks.sleep(interval) } catch { return }
                await sampleOnce()
            }
        }
    }

    /// A client's new address goes to its session. Not to the directory: whose an address is, only the kernel's answers tell.
    private func welcomeNewAddresses() async throws(HALError) {
        let found = Dictionary(grouping: try await cashier.gate.newcomers(), by: \.mac)
        guard !found.isEmpty else { return }
        let paying = await cashier.read { engine in Set(found.keys.filter { engine.session(of: $0) != nil }) }
        for (mac, neighbours) in found where paying.contains(mac) {
            for (port, new) in Dictionary(grouping: neighbours, by: \.port) {
                await cashier.note(.seen(port: port, mac: mac, addresses: new.map(\.address)))
            }
        }
    }

    private func sampleOnce() async {
        do {
            let readings = try await cashier.gate.readings()
            await cashier.note(
                .sampled(readings.map { .init(mark: $0.mark.value, bytesUp: $0.bytesUp, bytesDown: $0.bytesDown) }))
            try await welcomeNewAddresses()
        } catch {
            switch error.kind {
            case .interrupted, .busy: return  // changed while it was read: the next reading has it all
            case .missing: await cashier.gateIsLost()
            default: logger.error("\(error)")
            }
        }
    }
}
