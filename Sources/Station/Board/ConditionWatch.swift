import BoardControl
public import HAL
import Primitives
public import ServiceLifecycle

/// Has the light say how the station is: whoever looks at the box knows whether to look further.
public struct ConditionWatch: Service {
    private let board: BoardKeeper
    private let cashier: Cashier
    private let links: any Links
    private let settings: StationSettings
    private let wireless: WirelessKeeper?

    static let interval = Nanoseconds.seconds(2)

    public init(
        board: BoardKeeper, cashier: Cashier, links: any Links, settings: StationSettings, wireless: WirelessKeeper?
    ) {
        self.board = board
        self.cashier = cashier
        self.links = links
        self.settings = settings
        self.wireless = wireless
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await board.show(await condition())
                do { try await cashier.clocks.sleep(Self.interval) } catch { return }
            }
        }
    }

    private func condition() async -> LightSignal {
        guard settings.sharing else { return .off }
        let links = (try? await links.links()) ?? []  // then nothing is up
        let uplink = links.first { $0.name == settings.uplinkPort }
        let (alerts, failure) = await (cashier.alerts, wireless?.failure)
        if !alerts.isEmpty || failure != nil { return .fault }
        return uplink?.isUp == true && uplink?.hasCarrier == true ? .serving : .noUplink
    }
}
