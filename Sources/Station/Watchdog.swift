import CHost
import Glibc
import HAL
import Primitives
public import ServiceLifecycle

/// Tells systemd that the station is ready, that it is alive as long as the cashier answers, and that it stops (sd_notify(3)).
public struct Watchdog: Service {
    private let cashier: Cashier
    private let interval: Nanoseconds?

    public init(cashier: Cashier, environment: [String: String]) {
        self.cashier = cashier
        // Half the time that systemd allows, as sd_watchdog_enabled(3) advises.
        interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { Nanoseconds($0 * 500) }
    }

    public func run() async throws {
        chost_notify("READY=1\nSTATUS=serving")
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await cashier.clocks.sleep(interval ?? .seconds(3600)) } catch { break }
                guard interval != nil else { continue }
                _ = await cashier.commits  // answers only if the actor is alive
                chost_notify("WATCHDOG=1")
            }
        }
        chost_notify("STOPPING=1")
    }
}
