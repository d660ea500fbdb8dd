import CLinux
import Glibc
public import HAL
import Netlink
import Primitives

/// What the radio tells of itself and of the air around it.
extension LinuxAccessPoint {
    static let scanMilliseconds = 15_000

    public func radios() throws(HALError) -> [Radio] {
        let socket = try wireless()
        let interfaces = try read { () throws(NetlinkError) in try socket.interfaces() }
        return try read { () throws(NetlinkError) in try socket.radios() }.map { wiphy in
            Radio(
                name: wiphy.name, canBeAccessPoint: wiphy.canBeAccessPoint, block: Rfkill.block(of: wiphy.name),
                channels: wiphy.channels.map(Radio.Channel.init),
                ports: interfaces.filter { $0.wiphy == wiphy.index }.map(RadioPort.init).sorted { $0.name < $1.name })
        }
        .sorted { $0.name < $1.name }
    }

    public func country() throws(HALError) -> String {
        let socket = try wireless()
        return try read { () throws(NetlinkError) in try socket.country() }
    }

    public func move(toChannel number: Int) throws(HALError) {
        let interface = try ownInterface()
        let radio = try radios().first { $0.ports.contains { $0.name == interface.name } }
        // Devices follow within a band; another one is another configuration of hostapd's.
        let band = plan.channel <= 14 ? 2 : 5
        let allowed = radio?.channels.filter { $0.isAllowed && !$0.needsRadarCheck && Int($0.megahertz) / 1_000 == band } ?? []
        guard let channel = allowed.first(where: { $0.number == number }) else {
            throw HALError(
                .unsupported, "channel \(number) is not allowed here, is of another band, or needs a check for radar first",
                mend: "choose one of \(allowed.map { String($0.number) }.joined(separator: ", "))")
        }
        try switchChannel(to: channel.megahertz)
    }

    /// Listens on all channels, then tells who was heard. Throws `.busy` while another scan is under way.
    public func scan() throws(HALError) -> [HeardCell] {
        let interface = try ownInterface()
        let socket = try wireless()
        let events = try netlink("listen for the scan's end") { () throws(NetlinkError) in try WirelessEvents() }
        try read { () throws(NetlinkError) in try socket.scan(on: interface.index, isAccessPoint: interface.isAccessPoint) }
        let deadline = clinux_nanoseconds(CLOCK_MONOTONIC) + Int64(Self.scanMilliseconds) * 1_000_000
        while true {
            let left = (deadline - clinux_nanoseconds(CLOCK_MONOTONIC)) / 1_000_000
            guard left > 0 else {
                throw HALError(.busy, "\(interface.name) did not end its scan", mend: "try again; see dmesg for its driver")
            }
            var wait = pollfd(fd: events.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, Int32(left)) == 1 else { continue }
            let news = try netlink("listen for the scan's end") { () throws(NetlinkError) in try events.next() }
            if news.contains(.scanned(interface: interface.index)) { break }
        }
        return try read { () throws(NetlinkError) in try socket.cells(on: interface.index) }.map(HeardCell.init)
            .sorted { ($0.signal, $0.bssid) > ($1.signal, $1.bssid) }
    }

    public func survey() throws(HALError) -> [ChannelUse] {
        let interface = try ownInterface()
        let socket = try wireless()
        return try read { () throws(NetlinkError) in try socket.survey(on: interface.index) }.map { survey in
            ChannelUse(
                channel: WirelessChannel.number(of: survey.megahertz), listened: survey.listened, busy: survey.busy,
                noise: survey.noise)
        }
    }

    private func ownInterface() throws(HALError) -> WirelessInterface {
        let socket = try wireless()
        let interfaces = try read { () throws(NetlinkError) in try socket.interfaces() }
        guard let own = interfaces.first(where: { $0.name == plan.port }) else {
            throw .missing(interface: plan.port, among: interfaces.map(\.name))
        }
        return own
    }
}

extension Radio.Channel {
    init(_ channel: Wiphy.Channel) {
        self.init(
            number: WirelessChannel.number(of: channel.megahertz), megahertz: channel.megahertz,
            isAllowed: !channel.isDisabled && !channel.isListenOnly, needsRadarCheck: channel.needsRadarCheck,
            maximumPower: channel.maximumPower)
    }
}

extension RadioPort {
    init(_ interface: WirelessInterface) {
        self.init(
            name: interface.name, ssid: String(decoding: interface.ssid, as: UTF8.self),
            isOnAir: interface.isAccessPoint && interface.megahertz != nil,
            channel: interface.megahertz.map(WirelessChannel.number), power: interface.power)
    }
}

extension HeardCell {
    init(_ cell: WirelessCell) {
        self.init(
            bssid: cell.bssid, ssid: String(decoding: cell.ssid, as: UTF8.self),
            channel: WirelessChannel.number(of: cell.megahertz), signal: cell.signal, isProtected: cell.isProtected)
    }
}

/// The switch that silences a radio, as sysfs shows it (the kernel's rfkill.rst).
enum Rfkill {
    static func block(of radio: String) -> Radio.Block? {
        let folder = "/sys/class/ieee80211/\(radio)"
        for name in Folder.names(in: folder) where name.hasPrefix("rfkill") {
            for block in [Radio.Block.hard, .soft] {
                if let text = try? TextFile.read("\(folder)/\(name)/\(block.rawValue)"), text.first == "1" { return block }
            }
        }
        return nil
    }
}
