public import BoardControl
public import HAL
public import Logging
import Primitives
public import ServiceLifecycle

/// Keeps the board: the light says what the station is, the button is obeyed, heat is answered, the position is known.
///
/// ```
///  button ──▶ ResetButton ──▶ StatusLight ──▶ panel         decisions are BoardControl's values;
///  sensors ─▶ ThermalPolicy ─▶ fan, orders                  here is only who is asked and told, and when
///  receiver ▶ PositionFilter ▶ position()
/// ```
/// A part that fails is tried again, said once in the log, and told by ``alerts`` until it works.
public actor BoardKeeper: Service {
    let parts: BoardParts
    let settings: BoardSettings
    let clocks: any Clocks
    let logger: Logger
    private let orders: BoardOrders

    private var light = StatusLight()
    private var button = ResetButton()
    private var thermal: ThermalPolicy
    private var filter: PositionFilter
    private var readings: [Temperature] = []
    private var supply = PowerState(source: .unknown)
    /// By the part that fails.
    private var troubles: [String: HALError] = [:]
    private var sleeper: (task: Task<Void, Never>, until: Instant)?
    /// What is to be switched, each output once.
    private var queue: [(output: PanelOutput, isOn: Bool)] = []
    private var isSwitching = false
    /// What could not be switched, to be tried again.
    private var unset: [PanelOutput: Bool] = [:]

    private let ordersToGive: AsyncStream<Order>
    private let order: AsyncStream<Order>.Continuation

    private enum Order: Hashable {
        case transmitPower(TransmitPowerStep)
        case mining(Bool)
        case factoryReset
    }

    public init(
        parts: BoardParts, settings: BoardSettings, clocks: any Clocks, orders: BoardOrders = BoardOrders(), logger: Logger
    ) {
        self.parts = parts
        self.settings = settings
        self.clocks = clocks
        self.orders = orders
        self.logger = logger
        (ordersToGive, order) = AsyncStream.makeStream(of: Order.self)
        thermal = ThermalPolicy(limits: settings.thermal)
        filter = PositionFilter(accuracyLimit: settings.positionAccuracy, staleAfter: settings.positionLifetime)
    }

    // MARK: what is known

    /// The hottest sensor's; nil where none can be read.
    public func temperature() -> Temperature? { readings.max { $0.milliCelsius < $1.milliCelsius } }
    public func temperatures() -> [Temperature] { readings }
    public func power() -> PowerState { supply }
    /// nil without a good and fresh one.
    public func position() -> KnownPosition? { filter.known }
    public func rung() -> ThermalPolicy.Rung { thermal.rung }
    public func lightSignal() -> LightSignal { light.signal }
    /// What does not work, each with its mend.
    public func alerts() -> [String] { troubles.sorted { $0.key < $1.key }.map(\.value.description) }

    // MARK: what is wanted

    /// What the light says when nobody asks for something else.
    public func show(_ condition: LightSignal) async {
        take(light.handle(.condition(condition), at: clocks.now().boot))
        await settle()
    }

    /// Blinks for half a minute: which of the boxes is it?
    public func identify() async {
        take(light.handle(.identify, at: clocks.now().boot))
        await settle()
    }

    // MARK: what happens

    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.keep() }
    }

    private func keep() async {
        // Without them there is no radio to speak of.
        turn(.radioEnable, on: true)
        turn(.amplifierEnable, on: true)
        take(light.handle(.time, at: clocks.now().boot))
        await settle()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.giveOrders() }
            group.addTask { await self.keepTime() }
            group.addTask { await self.keepThermal() }
            group.addTask { await self.keepButton() }
            group.addTask { await self.keepPosition() }
            group.addTask { await self.keepOutputs() }
        }
        // Nobody is served by this process any more; the radio's lines are the radio's, which goes on.
        turn(.statusLight, on: false)
        await settle()
    }

    func note(_ edge: ButtonEdge) async {
        await take(button.handle(.edge(isPressed: edge.isPressed), at: edge.at))
        await settle()
    }

    func loseButton() async {
        await take(button.handle(.lost, at: clocks.now().boot))
        await settle()
    }

    func note(_ event: PositionEvent) {
        let now = clocks.now().boot
        switch event {
        case .report(let report):
            works("gpsd")
            take(filter.handle(.report(report), at: now))
        case .unavailable(let error): failed("gpsd", error)
        }
        wakeEarlier()
    }

    func note(_ temperatures: [Temperature], _ power: PowerState) async {
        (readings, supply) = (temperatures, power)
        let hottest = temperature().map { ThermalPolicy.Event.reading($0.milliCelsius) } ?? .unreadable
        take(thermal.handle(hottest, at: clocks.now().boot))
        await settle()
    }

    /// Wakes whenever one of the values asks for it.
    private func keepTime() async {
        while !Task.isCancelled {
            let now = clocks.now().boot
            let until = wakesAt ?? now + .seconds(3_600)
            let task = Task { [clocks] in _ = try? await clocks.sleep(max(.zero, until - now)) }  // ended early: look anew
            sleeper = (task, until)
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            sleeper = nil
            await tick()
        }
    }

    private var wakesAt: Instant? { [light.wakesAt, button.wakesAt, filter.wakesAt].compactMap(\.self).min() }

    private func tick() async {
        let now = clocks.now().boot
        await take(button.handle(.time, at: now))
        take(light.handle(.time, at: now))
        take(filter.handle(.time, at: now))
        await settle()
    }

    private func wakeEarlier() {
        if let sleeper, let wakesAt, wakesAt < sleeper.until { sleeper.task.cancel() }
    }

    // MARK: what comes of it

    private func take(_ actions: [StatusLight.Action]) {
        for case .turn(let on) in actions { turn(.statusLight, on: on) }
    }

    private func take(_ actions: [ResetButton.Action]) async {
        let now = clocks.now().boot
        for action in actions {
            switch action {
            case .identify: take(light.handle(.identify, at: now))
            case .light(let signal): take(light.handle(.button(signal), at: now))
            case .factoryReset:
                // A letting go that was lost must not cost the owner everything.
                if await isStillPressed() {
                    order.yield(.factoryReset)
                } else {
                    await take(button.handle(.lost, at: now))
                }
            }
        }
    }

    private func take(_ actions: [ThermalPolicy.Action]) {
        for action in actions {
            switch action {
            case .fan(let on): turn(.fan, on: on)
            case .mining(let isAllowed): order.yield(.mining(isAllowed))
            case .transmitPower(let step): order.yield(.transmitPower(step))
            }
        }
        if !actions.isEmpty, let hottest = temperature() {
            logger.notice("\(hottest.name): \(hottest.milliCelsius / 1_000) °C; \(thermal.rung)")
        }
    }

    private func take(_ actions: [PositionFilter.Action]) {
        for case .lost in actions { logger.notice("the position is not known any more") }
    }

    private func isStillPressed() async -> Bool {
        do throws(HALError) { return try await parts.panel?.isButtonPressed() ?? false } catch {
            failed("button", error)
            return false
        }
    }

    /// Others may take their time, as a radio does: the light and the fan do not wait for them.
    private func giveOrders() async {
        for await order in ordersToGive {
            switch order {
            case .transmitPower(let step): await orders.transmitPower(step)
            case .mining(let isAllowed): await orders.mining(isAllowed)
            case .factoryReset:
                logger.warning("the button was held for ten seconds: factory reset")
                await orders.factoryReset()
            }
        }
    }

    private func turn(_ output: PanelOutput, on: Bool) {
        unset[output] = nil
        queue.removeAll { $0.output == output }
        queue.append((output, on))
    }

    /// Switches what is queued, also what others queue meanwhile.
    private func settle() async {
        wakeEarlier()
        guard !isSwitching else { return }
        isSwitching = true
        while !queue.isEmpty {
            let (output, isOn) = queue.removeFirst()
            await set(output, on: isOn)
        }
        isSwitching = false
    }

    private func set(_ output: PanelOutput, on: Bool) async {
        guard let panel = parts.panel, panel.outputs.contains(output) else { return }
        do throws(HALError) {
            try await panel.set(output, on: on)
            unset[output] = nil
            works(output.rawValue)
        } catch {
            unset[output] = on
            failed(output.rawValue, error)
        }
    }

    func retryOutputs() async {
        for (output, isOn) in unset { turn(output, on: isOn) }
        await settle()
    }

    func failed(_ part: String, _ error: HALError) {
        if troubles[part] == nil { logger.error("\(error)") }
        troubles[part] = error
    }

    func works(_ part: String) { troubles[part] = nil }
}
