import Glibc
public import HAL
import Netlink
public import Primitives

/// The board's Wi-Fi: nl80211 for the radio, hostapd for who may join, dnsmasq for addresses.
///
/// Its work waits for sockets and programs, so it has a thread of its own.
public actor LinuxAccessPoint: AccessPoint {
    private let executor = RadioExecutor()
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let plan: WirelessPlan
    private var hostapd: HostapdService
    private let addresses: AddressService
    private var listeners: RadioListeners?
    private var socket: WirelessSocket?
    private var route: RouteSocket?
    /// What hostapd was told of WPA3; nil: not known, since it was started by another agent or anew.
    private var admitted: [WirelessCredential]?
    /// 1/100 dBm, as the radio was told; nil: not yet.
    private var power: UInt32?

    public init(_ plan: WirelessPlan) {
        self.plan = plan
        hostapd = HostapdService(plan)
        addresses = AddressService(plan)
    }

    /// Takes a network off the air that is in the configuration no more: hostapd and dnsmasq outlive the agent that started them.
    public static func withdraw(runtimeDirectory: String) {
        // Their units do not start without these.
        for name in ["hostapd.conf", "dnsmasq.conf"] { unlink("\(runtimeDirectory)/\(name)") }
        HostapdService.end(in: runtimeDirectory)
        AddressService.end(in: runtimeDirectory)
    }

    /// Throws `.missing` with what is to be done where there is no driver at all.
    func wireless() throws(HALError) -> WirelessSocket {
        if let socket { return socket }
        do throws(NetlinkError) {
            let opened = try WirelessSocket()
            socket = opened
            return opened
        } catch {
            guard error.errno == ENOENT else { throw HALError(error, doing: "open the radio") }
            throw HALError(.missing, "no radio's driver is loaded", mend: Self.noRadioMend)
        }
    }

    private static let noRadioMend = "plug the radio in, install its firmware (apt-get install firmware-linux), look at dmesg"

    // MARK: on the air

    public func serve(_ credentials: [WirelessCredential], power: UInt32) throws(HALError) {
        let socket = try wireless()
        let interfaces = try read { () throws(NetlinkError) in try socket.interfaces() }
        listeners?.know(Dictionary(interfaces.map { ($0.index, $0.name) }) { $1 })
        try listeners?.hearKernel()
        let hasPorts = plan.ports.allSatisfy { port in interfaces.contains { $0.name == port } }
        // What sends already is limited before anything that may fail: heat waits neither for hostapd nor for an address server.
        var tooLoud = limit(power, interfaces)
        var state = hasPorts ? hostapd.state() : nil
        if state == nil || state?.isStuck == true {
            admitted = nil
            try prepare(interfaces)
            try write(credentials)
            try hostapd.start()
            state = try awaken()
            tooLoud = limit(power, try portsNow())
        }
        guard let state, state.isOnAir else {
            throw HALError(
                .busy, "hostapd is not on the air yet: \(state?.state ?? "starting")",
                mend: "wait; if it stays so, see journalctl -u basestation-hostapd")
        }
        try admit(credentials)
        for port in plan.ports { try listeners?.hear(port: port, at: hostapd.configuration.controlPath(of: port)) }
        try settle()
        if let tooLoud { throw tooLoud }
    }

    /// hostapd answers within moments of its start; the radio may take longer, and is asked again with the next call.
    private func awaken() throws(HALError) -> HostapdState? {
        var state: HostapdState?
        for _ in 0..<100 {
            state = hostapd.state()
            if state?.isOnAir == true { break }
            usleep(20_000)
        }
        return state
    }

    /// A radio that can, with the interface that hostapd needs.
    private func prepare(_ interfaces: [WirelessInterface]) throws(HALError) {
        let socket = try wireless()
        let radios = try read { () throws(NetlinkError) in try socket.radios() }
        let own = interfaces.first { $0.name == plan.port }
        guard let radio = own.map({ own in radios.first { $0.index == own.wiphy } }) ?? radios.first(where: \.canBeAccessPoint)
        else {
            guard !radios.isEmpty else { throw HALError(.missing, "there is no radio", mend: Self.noRadioMend) }
            throw HALError(
                .missing, "no radio here can be an access point",
                mend: "plug in one that \"basestation radio status\" shows with \"access point\"")
        }
        guard radio.canBeAccessPoint else {
            throw HALError(
                .unsupported, "\(plan.port) cannot be an access point: the driver of \(radio.name) reports no AP mode",
                mend: "use a radio that \"basestation radio status\" shows with \"access point\"")
        }
        if let block = Rfkill.block(of: radio.name) { throw Self.switchedOff(radio.name, block) }
        if own == nil {
            try read { () throws(NetlinkError) in try socket.addInterface(plan.port, on: radio.index) }
        }
    }

    // MARK: who may join

    private func admit(_ credentials: [WirelessCredential]) throws(HALError) {
        if try write(credentials) { try hostapd.control(of: plan.port).readPassphrases() }
        guard let port = plan.saePort, admitted != credentials else { return }
        let control = try hostapd.control(of: port)
        let wanted = credentials.filter { $0.mac != nil }
        let gone = (admitted ?? []).filter { old in old.mac != nil && !wanted.contains(old) }
        if admitted == nil || !gone.isEmpty {
            try control.setSAEPasswords(wanted, clearing: true)
        } else {
            try control.setSAEPasswords(wanted.filter { !(admitted ?? []).contains($0) }, clearing: false)
        }
        admitted = credentials
        guard !gone.isEmpty else { return }
        // A device may come back by the key that both sides remember, without its passphrase.
        try control.forgetKeys()
        for old in gone where try control.station(old.mac!) != nil { try control.deauthenticate(old.mac!) }
    }

    /// - Returns: whether the file of WPA2's passphrases changed.
    @discardableResult
    private func write(_ credentials: [WirelessCredential]) throws(HALError) -> Bool {
        var passphrases = Passphrases()
        for credential in credentials { try passphrases.set(credential.passphrase, for: credential.id) }
        let path = HostapdConfiguration.passphrasePath(plan)
        if let now = try? TextFile.read(path), now == passphrases.file { return false }
        try TextFile.write(passphrases.file, to: path, mode: 0o600)
        return true
    }

    public func disconnect(_ mac: MACAddress) throws(HALError) {
        for port in plan.ports {
            let control = try hostapd.control(of: port)
            if try control.station(mac) != nil { try control.deauthenticate(mac) }
        }
    }

    /// Beacons tell of it five times first.
    func switchChannel(to megahertz: UInt32) throws(HALError) {
        _ = try hostapd.control(of: plan.port).ask("CHAN_SWITCH 5 \(megahertz)", for: "move to \(megahertz) MHz")
    }

    // MARK: ports

    /// Addresses, and what is counted; the kernel forgets them with the interface.
    private func settle() throws(HALError) {
        let route = try routing()
        let links = try read { () throws(NetlinkError) in try route.links() }
        let known = try read { () throws(NetlinkError) in try route.addresses() }
        for addressing in plan.addressing {
            guard let link = links.first(where: { $0.name == addressing.port }) else { continue }
            if !link.isUp { try read { () throws(NetlinkError) in try route.setUp(index: link.index) } }
            for (address, length) in [(addressing.station4, UInt8(24)), (addressing.station6, 64)]
            where !known.contains(where: { $0.index == link.index && $0.address == address }) {
                try read { () throws(NetlinkError) in try route.add(address, prefixLength: length, index: link.index) }
                if address.isIPv6 { try Offloads.turnOff(addressing.port, in: nil) }
            }
        }
        if !addresses.isRunning { try addresses.start() }
    }

    private func routing() throws(HALError) -> RouteSocket {
        if let route { return route }
        let opened = try netlink("open the routing socket") { () throws(NetlinkError) in try RouteSocket() }
        route = opened
        return opened
    }

    /// Drivers may take a limit and not keep it: what they say afterwards decides.
    /// - Returns: why a port sends with more; it serves all the same
    private func limit(_ power: UInt32, _ interfaces: [WirelessInterface]) -> HALError? {
        let isNew = power != self.power
        let wrong = interfaces.filter { port in
            plan.ports.contains(port.name) && port.megahertz != nil && (isNew || port.power.map { $0 > power } ?? true)
        }
        guard !wrong.isEmpty else { return nil }
        do throws(HALError) {
            let socket = try wireless()
            try read { () throws(NetlinkError) in
                for port in wrong { try socket.limitPower(of: port, to: power) }
            }
            for port in try portsNow() where port.megahertz != nil {
                guard let now = port.power, now > power else { continue }
                throw HALError(
                    .unsupported, "\(port.name) sends with \(now / 100) dBm though it was told \(power / 100)",
                    mend: "its driver keeps no limit: use another radio, or a country and a channel that allow no more")
            }
            self.power = power
            return nil
        } catch { return error }
    }

    private func portsNow() throws(HALError) -> [WirelessInterface] {
        let socket = try wireless()
        return try read { () throws(NetlinkError) in try socket.interfaces() }.filter { plan.ports.contains($0.name) }
    }

    // MARK: who is there

    public func clients() throws(HALError) -> [WirelessClient] {
        let socket = try wireless()
        var found: [WirelessClient] = []
        for interface in try portsNow() {
            let stations = try read { () throws(NetlinkError) in try socket.stations(of: interface.index) }
            for station in stations where station.isAuthorized {
                let credential = try credential(of: station.mac, on: interface.name)
                found.append(WirelessClient(station, on: interface.name, credential: credential))
            }
        }
        return found
    }

    /// hostapd tells it with WPA2. With WPA3 a password is good for one address: whoever joined under it has that one's.
    private func credential(of mac: MACAddress, on port: String) throws(HALError) -> String? {
        if port == plan.saePort { return admitted?.first { $0.mac == mac }?.id }
        return try hostapd.control(of: port).station(mac)?.keyID
    }

    public func leases() -> [Lease] { addresses.leases() }

    public func news() throws(HALError) -> AsyncStream<WirelessNews> {
        listeners?.close()
        let listeners = try RadioListeners()
        self.listeners = listeners
        return listeners.stream
    }

    /// Ends the news. The radio, hostapd and dnsmasq go on.
    public func close() {
        listeners?.close()
        listeners = nil
    }

    func read<Result>(_ body: () throws(NetlinkError) -> Result) throws(HALError) -> Result {
        do throws(NetlinkError) { return try body() } catch {
            if error == .interrupted {
                return try netlink("ask the radio") { () throws(NetlinkError) in try body() }
            }
            if error.errno == ENOENT {
                // The driver may have gone, or come back under another number: the next call asks anew.
                socket = nil
                _ = try wireless()
            }
            guard error.errno == ERFKILL else { throw HALError(error, doing: "ask the radio") }
            let radio = (try? TextFile.read("/sys/class/net/\(plan.port)/phy80211/name")).map { String($0.prefix { $0 != "\n" }) }
            throw Self.switchedOff(radio ?? plan.port, radio.flatMap { Rfkill.block(of: $0) } ?? .soft)
        }
    }

    private static func switchedOff(_ radio: String, _ block: Radio.Block) -> HALError {
        HALError(
            .unsupported, "\(radio) is switched off (\(block.rawValue) rfkill)",
            mend: block == .hard ? "use the board's radio switch" : "rfkill unblock wifi")
    }
}

extension WirelessClient {
    init(_ station: WirelessStation, on port: String, credential: String?) {
        self.init(port: port, mac: station.mac, credential: credential)
        signal = station.signal
        rateUp = station.rateReceived.map { UInt64($0) * 100 }
        rateDown = station.rateSent.map { UInt64($0) * 100 }
        (bytesUp, bytesDown) = (station.bytesReceived, station.bytesSent)
        inactive = .milliseconds(station.inactiveMilliseconds)
        connected = .seconds(station.connectedSeconds)
    }
}
