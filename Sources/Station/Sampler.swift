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

    private func sampleOnce() async {
        do {
            let readings = try await cashier.gate.readings()
            await cashier.note(
                .sampled(readings.map { .init(mark: $0.mark.value, bytesUp: $0.bytesUp, bytesDown: $0.bytesDown) }))
        } catch {
            switch error.kind {
            case .interrupted, .busy: return  // changed while it was read: the next reading has it all
            case .missing: await cashier.gateIsLost()
            default: logger.error("\(error)")
            }
        }
    }
}
