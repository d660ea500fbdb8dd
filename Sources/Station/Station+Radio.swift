import Charging
import HAL
import Primitives
import StationAPI

/// What the owner and the technician can ask the radio.
extension Station {
    private func keeper() throws(Problem) -> WirelessKeeper {
        if let wireless = seams.wireless { return wireless }
        throw Problem(.conflict, "this station has no access point; write port = \"wlan0\" below [wifi] in station.toml")
    }

    func radioStatus() async throws -> RadioStatusView {
        let keeper = try keeper()
        let (failure, clients, power) = await (keeper.failure, keeper.clients, keeper.power)
        let radios = (try? await keeper.accessPoint.radios()) ?? []  // `failure` says why
        return RadioStatusView(
            country: (try? await keeper.accessPoint.country()) ?? "00",  // the same
            onAir: failure == nil, reason: failure?.what ?? "", mend: failure?.mend ?? "",
            powerLimitDbm: power.limit, powerLimitBy: power.reason.rawValue, radios: radios.map(RadioStatusView.Radio.init),
            clients: clients.map(RadioStatusView.Client.init))
    }

    func scanAir() async throws -> RadioScanView {
        let access = try keeper().accessPoint
        let cells = try await access.scan()
        let uses = Dictionary(try await access.survey().map { ($0.channel, $0) }) { $1 }
        return RadioScanView(
            cells: cells.map {
                .init(
                    bssid: $0.bssid, ssid: $0.ssid, channel: $0.channel, signalDbm: Int($0.signal) / 100,
                    protected: $0.isProtected)
            },
            channels: Set(cells.map(\.channel)).union(uses.keys).subtracting([0]).sorted().map { number in
                let use = uses[number].flatMap { $0.listened > 0 ? $0 : nil }
                return .init(
                    channel: number, cells: cells.count { $0.channel == number },
                    busyPercent: use.map { Int(min($0.busy, $0.listened) * 100 / $0.listened) },
                    noiseDbm: uses[number]?.noise.map(Int.init))
            })
    }

    func setRadio(_ request: RadioRequest) async throws -> RadioStatusView {
        let keeper = try keeper()
        if let power = request.powerDbm, !(0...settings.powerCeiling).contains(power) {
            throw Problem(
                .malformed,
                "power is 0 to \(settings.powerCeiling) dBm here, not \(power); for more, raise power_dbm below [wifi] and restart"
            )
        }
        if let channel = request.channel { try await keeper.accessPoint.move(toChannel: channel) }
        if let power = request.powerDbm { try await keeper.limitPower(toDbm: power) }
        return try await radioStatus()
    }

    /// Ends a device's session, then its association: as a new one it may come back.
    func disconnect(_ mac: MACAddress) async throws {
        let session = await cashier.read { $0.session(of: mac) }
        if let session { _ = try await cashier.submit(.end(session.id, .disconnected)) }
        let wasOnAir = await seams.wireless?.sendAway(mac) ?? false
        guard session != nil || wasOnAir else { throw Problem(.unknown, "\(mac) has no open session") }
    }

    /// A device that is on the air comes back by itself, and is then what it is now.
    func block(_ mac: MACAddress, _ isBlocked: Bool) async throws {
        _ = try await cashier.submit(.block(mac, isBlocked))
        await seams.wireless?.sendAway(mac)
    }

    /// A line for each port, for `status`.
    func radioLines() async -> [String] {
        guard let wireless = seams.wireless, let radios = try? await wireless.accessPoint.radios() else { return [] }
        let clients = await wireless.clients
        return radios.flatMap(\.ports).filter { settings.wirelessPorts.contains($0.name) }.map { port in
            let count = clients.count { $0.port == port.name }
            guard port.isOnAir, let channel = port.channel else { return "\(port.name) off the air" }
            return "\(port.name) \"\(port.ssid)\" channel \(channel), \((port.power ?? 0) / 100) dBm, \(count) on the air"
        }
    }

    func radioChecks() async -> [CheckView] {
        guard let wireless = seams.wireless else { return [] }
        var checks: [CheckView] = []
        if let failure = await wireless.failure {
            checks.append(CheckView(name: "radio", passed: false, finding: failure.what, mend: failure.mend))
        } else {
            checks.append(CheckView(name: "radio", passed: true, finding: "on the air as \"\(settings.ssid ?? "")\""))
        }
        let country = (try? await wireless.accessPoint.country()) ?? "00"  // the check above says why
        checks.append(
            CheckView(
                name: "country", passed: country != "00",
                finding: country == "00" ? "no country's rules are in force" : "rules of \(country)",
                mend: "set country below [wifi]; apt-get install wireless-regdb if it is set"))
        let weak = await wireless.clients.filter { $0.signal.map { $0 < Self.weakSignal } == true }
        for client in weak.prefix(5) {
            checks.append(
                .warning(
                    "signal", "\(client.mac) is heard at \(client.signal ?? 0) dBm only",
                    mend: "move it nearer, turn the antenna, or put the station higher"))
        }
        return checks + (await busyChannel(wireless))
    }

    /// dBm; below it most of the time on the air goes into repeating.
    private static let weakSignal: Int8 = -80
    /// Per cent of the time.
    private static let crowded: UInt64 = 60

    private func busyChannel(_ wireless: WirelessKeeper) async -> [CheckView] {
        guard let ports = try? await wireless.accessPoint.radios().flatMap(\.ports),
            let uses = try? await wireless.accessPoint.survey(),
            let channel = ports.first(where: { settings.wirelessPorts.contains($0.name) })?.channel,
            let use = uses.first(where: { $0.channel == channel && $0.listened > 0 })
        else { return [] }  // a driver that cannot tell
        let busy = min(use.busy, use.listened) * 100 / use.listened
        let finding = "channel \(channel) is busy \(busy) % of the time"
        guard busy >= Self.crowded else { return [CheckView(name: "channel", passed: true, finding: finding)] }
        return [
            .warning("channel", finding, mend: "choose another: basestation radio scan shows them, then channel below [wifi]")
        ]
    }
}

extension RadioStatusView.Radio {
    init(_ radio: Radio) {
        self.init(
            name: radio.name, accessPoint: radio.canBeAccessPoint, blocked: radio.block?.rawValue,
            ports: radio.ports.map {
                .init(
                    name: $0.name, ssid: $0.ssid, onAir: $0.isOnAir, channel: $0.channel, powerDbm: $0.power.map { Int($0) / 100 }
                )
            },
            channels: radio.channels.map {
                .init(
                    number: $0.number, megahertz: $0.megahertz, allowed: $0.isAllowed, radar: $0.needsRadarCheck,
                    maximumPowerDbm: Int($0.maximumPower) / 100)
            })
    }
}

extension RadioStatusView.Client {
    init(_ client: WirelessClient) {
        self.init(
            mac: client.mac, port: client.port, key: client.credential.flatMap(WirelessKey.number(ofID:)),
            signalDbm: client.signal.map(Int.init), rateUpKbps: client.rateUp, rateDownKbps: client.rateDown,
            bytesUp: client.bytesUp, bytesDown: client.bytesDown, inactiveSeconds: client.inactive.wholeSeconds,
            connectedSeconds: client.connected.wholeSeconds)
    }
}

extension StatusView.Place {
    init(_ position: Position) {
        self.init(
            latitude: Self.degrees(position.latitude), longitude: Self.degrees(position.longitude),
            accuracyMetres: position.accuracyMillimetres.map { ($0 + 999) / 1_000 })
    }

    /// Of 1e-7 degrees.
    private static func degrees(_ value: Int32) -> String {
        let digits = String(value.magnitude % 10_000_000)
        let fraction = String(repeating: "0", count: 7 - digits.count) + digits
        return "\(value < 0 ? "-" : "")\(value.magnitude / 10_000_000).\(fraction)"
    }
}
