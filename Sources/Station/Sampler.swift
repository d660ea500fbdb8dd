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
                await cashier.sample()
            }
        }
    }
}
