import Charging
import HAL
public import Primitives
public import ServiceLifecycle

/// Reads the kernel's counters at regular times and lets the cashier charge for them.
public struct Sampler: Service {
    private let cashier: Cashier
    private let interval: Nanoseconds

    public init(cashier: Cashier, interval: Nanoseconds) {
        self.cashier = cashier
        self.interval = interval
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await cashier.clocks.sleep(interval) } catch { return }
                await welcomeNewAddresses()
                await cashier.sample()
            }
        }
    }

    /// A client's new address goes to its session. Not to the directory: whose an address is, only the kernel's answers tell.
    private func welcomeNewAddresses() async {
        // What the gate cannot say now it says a second later; that it is lost, the cashier finds out.
        guard let newcomers = try? await cashier.gate.newcomers(), !newcomers.isEmpty else { return }
        let found = Dictionary(grouping: newcomers, by: \.mac)
        let paying = await cashier.read { engine in Set(found.keys.filter { engine.session(of: $0) != nil }) }
        for (mac, neighbours) in found where paying.contains(mac) {
            for (port, new) in Dictionary(grouping: neighbours, by: \.port) {
                await cashier.note(.seen(port: port, mac: mac, addresses: new.map(\.address)))
            }
        }
    }
}
