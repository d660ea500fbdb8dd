public import BoardControl
import Charging
public import HAL
public import Logging
import OrderedCollections
public import Primitives
public import ServiceLifecycle

/// Keeps the access point on the air with the keys that are in force, and tells the cashier who came and who went.
///
/// Whatever it is told, it looks itself: news only say when. So a lost message costs a second, and never a session.
public actor WirelessKeeper: Service {
    let accessPoint: any AccessPoint
    private let cashier: Cashier
    private let directory: ClientDirectory
    private let settings: StationSettings
    private let clocks: any Clocks
    private let logger: Logger

    private struct Present {
        var port: String
        var credential: String?
        /// When something was last heard of it.
        var heard: Instant
    }
    private var present: [MACAddress: Present] = [:]
    /// Those that left, while the radio still lists them.
    private var parted: [MACAddress: Instant] = [:]
    private var hasLooked = false
    /// Why there is no service on the air; nil: there is.
    public private(set) var failure: HALError? = HALError(.busy, "the radio is being set up", mend: "wait a moment")
    public private(set) var clients: [WirelessClient] = []
    public private(set) var power: TransmitPower
    private var input: AsyncStream<Input>.Continuation?

    private enum Input: Sendable { case news(WirelessNews), tick }

    /// How often it looks though nothing was told.
    static let interval = Nanoseconds.seconds(1)
    /// Who was silent for so long when it left, left when it fell silent.
    static let silence = Nanoseconds.seconds(20)

    public init(
        accessPoint: any AccessPoint, cashier: Cashier, directory: ClientDirectory, settings: StationSettings,
        clocks: any Clocks, logger: Logger
    ) {
        self.accessPoint = accessPoint
        self.cashier = cashier
        self.directory = directory
        self.settings = settings
        power = TransmitPower(ceiling: settings.powerCeiling)
        self.clocks = clocks
        self.logger = logger
    }

    public func run() async throws {
        let (inputs, input) = AsyncStream.makeStream(of: Input.self, bufferingPolicy: .bufferingOldest(1_024))
        self.input = input
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask { await self.forwardNews(to: input) }
                group.addTask {
                    while !Task.isCancelled {
                        input.yield(.tick)
                        do { try await self.clocks.sleep(Self.interval) } catch { break }
                    }
                }
                for await next in inputs { await self.take(next) }
                group.cancelAll()
            }
        }
    }

    private func forwardNews(to input: AsyncStream<Input>.Continuation) async {
        // Where there is no radio yet, the ticks go on trying; its news wait for the first success.
        while !Task.isCancelled {
            do {
                for await news in try await accessPoint.news() { input.yield(.news(news)) }
            } catch {}
            do { try await clocks.sleep(Self.interval) } catch { return }
        }
    }

    /// The keys in force have changed: at once, not with the next tick.
    public func keysChanged() async { await keepOnAir() }

    /// Heat lowers the power, and gives it back. An order that fails is repeated with every tick.
    public func cool(_ step: TransmitPowerStep) async {
        power.heat = step
        await keepOnAir()
    }

    /// The owner's limit, in dBm; heat may lower it further.
    public func limitPower(toDbm owner: Int) async throws(HALError) {
        power.owner = owner
        await keepOnAir()
        if let failure { throw failure }
    }

    /// Off the air; whose key is in force may come back.
    /// - Returns: whether it was there
    @discardableResult
    public func sendAway(_ mac: MACAddress) async -> Bool {
        guard present[mac] != nil else { return false }
        do { try await accessPoint.disconnect(mac) } catch { logger.warning("\(error)") }
        return true
    }

    public func credential(of mac: MACAddress) -> UInt32? {
        present[mac]?.credential.flatMap(WirelessKey.number(ofID:))
    }

    // MARK: what happens

    private func take(_ input: Input) async {
        switch input {
        case .tick, .news(.changed):
            await keepOnAir()
            await look()
        case .news(.left(let port, let mac)):
            await lose(mac, on: port)
            await look()
        case .news(.began(let port, let mac)):
            // Before the keys are in place: whoever was there under this address is not any more.
            await lose(mac, on: port)
            parted[mac] = nil
            await look()
        case .news(.joined): await look()
        case .news(.refused(let port, let mac)): logger.info("\(mac) tried a passphrase on \(port) that nobody has")
        case .news(.radar): logger.warning("radar on channel: hostapd leaves it")
        }
    }

    /// Tells the radio all that it shall do; what hinders it is logged when it changes.
    private func keepOnAir() async {
        let secret = settings.wirelessSecret
        let credentials = await cashier.read { engine in
            engine.keys.values.filter { !$0.isRevoked }.map { key in
                WirelessCredential(
                    id: key.id, passphrase: WirelessKeyText.passphrase(of: key.number, secret: secret), mac: key.mac)
            }
        }
        var found: HALError?
        do throws(HALError) {
            try await accessPoint.serve(credentials, power: UInt32(clamping: power.limit) * 100)
        } catch { found = error }
        guard found != failure else { return }
        failure = found
        if let found { logger.warning("\(found)") } else { logger.notice("on the air as \"\(settings.ssid ?? "")\"") }
    }

    /// Compares who is there with who was.
    private func look() async {
        guard let found = try? await accessPoint.clients() else { return await loseAll() }  // said by keepOnAir
        clients = found
        let now = clocks.now().boot
        let macs = Set(found.map(\.mac))
        for (mac, one) in present where !macs.contains(mac) { await lose(mac, on: one.port) }
        parted = parted.filter { macs.contains($0.key) }
        for client in found {
            let (known, heard) = (present[client.mac], now + (.zero - client.inactive))
            // Nothing was heard since it left: the radio has not forgotten it yet.
            if known == nil, let end = parted[client.mac], heard <= end { continue }
            if known?.port != client.port || known?.credential != client.credential { await join(client) }
            present[client.mac]?.heard = heard
        }
        if !hasLooked {
            hasLooked = true
            await partWithAbsent(macs)
        }
        await learnLeases()
    }

    private func join(_ client: WirelessClient) async {
        if let known = present[client.mac] { await lose(client.mac, on: known.port) }
        let key = client.credential.flatMap(WirelessKey.number(ofID:))
        let tariffID = await cashier.read { engine in key.flatMap { engine.keys[$0]?.tariffID } }
        let association = Association(
            port: client.port, mac: client.mac, key: key, addresses: await directory.addresses(of: client.mac),
            id: SessionID(high: .random(in: .min ... .max), low: .random(in: .min ... .max)),
            tariff: settings.sharing
                ? await cashier.tariff(tariffID, otherwise: settings.defaultTariffID) : nil)
        do {
            _ = try await cashier.submit(.joined(association))
        } catch ChargingError.sessionClosing {
            return  // looked at again with the next tick
        } catch { logger.info("\(client.mac) has joined with key \(key.map(String.init) ?? "?") and has no session: \(error)") }
        present[client.mac] = Present(port: client.port, credential: client.credential, heard: clocks.now().boot)
    }

    private func lose(_ mac: MACAddress, on port: String) async {
        guard let known = present[mac], known.port == port else { return }
        present[mac] = nil
        let now = clocks.now().boot
        parted[mac] = now
        let silent = now - known.heard
        let since = silent >= Self.silence ? known.heard : now
        logger.info("\(mac) has left \(port); it was last heard \(silent.wholeSeconds) s ago")
        _ = try? await cashier.submit(.away(port: port, mac: mac, since: since))  // refused only while the station stops
    }

    private func loseAll() async {
        clients = []
        for (mac, one) in present { await lose(mac, on: one.port) }
        parted = [:]
    }

    /// Sessions of before the start whose devices are not on the air any more.
    private func partWithAbsent(_ macs: Set<MACAddress>) async {
        let ports = Set(settings.wirelessPorts)
        let now = clocks.now().boot
        let absent = await cashier.read { engine in
            engine.sessions.values.filter { ports.contains($0.port) && $0.isActive && !$0.isAway && !macs.contains($0.mac) }
        }
        for session in absent {
            _ = try? await cashier.submit(.away(port: session.port, mac: session.mac, since: now))  // as above
        }
    }

    private func learnLeases() async {
        guard !present.isEmpty, let leases = try? await accessPoint.leases() else { return }  // the kernel's news tell them too
        for lease in leases {
            guard let one = present[lease.mac] else { continue }
            await directory.learn(Neighbour(port: one.port, mac: lease.mac, address: lease.address))
        }
    }
}

extension WirelessKeeper {
    /// Gives the station what it asks the radio for.
    public nonisolated func connect(to seams: inout StationSeams) {
        seams.wireless = self
        seams.keysChanged = { await self.keysChanged() }
        seams.wirelessKey = { await self.credential(of: $0) }
    }
}
