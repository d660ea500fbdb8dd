import ArgumentParser
import Primitives
import StationAPI
import StationClient

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "One screen: what this station is and does.")
    @OptionGroup var common: Common

    func run() async throws {
        let status: StatusView = try await common.station.get("/v1/status")
        try common.show(status, Self.lines)
    }

    static func lines(_ status: StatusView) -> [String] {
        var lines = [Screen.rule(Screen.fit(status.name, min(40, status.name.count)))]
        lines += Screen.field("Station", status.stationId.description)
        lines += Screen.field("Sharing", status.sharing ? "● yes, tariff \(status.tariffId)" : "○ no: \(status.sharingReason)")
        lines += Screen.field("Up", "\(Screen.duration(status.uptimeSeconds)), version \(status.version), \(status.hal) hardware")
        lines += ["", Screen.rule("Ports")]
        for port in status.ports {
            let state = port.isUp ? "● up  " : "○ down"
            let addresses = port.addresses.filter { !$0.isLinkLocal }.map(\.description).joined(separator: " ")
            lines += Screen.field(port.name, "\(state) \(port.role) \(addresses)")
            lines += Screen.field("", "↓ \(ByteCount(bytes: port.bytesReceived))  ↑ \(ByteCount(bytes: port.bytesSent))")
        }
        for radio in status.radios { lines += Screen.field("Radio", radio) }
        lines += ["", Screen.rule("Business")]
        lines += Screen.field("Clients", "\(status.clients) now, \(status.sessionsTotal) sessions so far")
        lines += Screen.field(
            "Earned", "\(Screen.amount(status.earnedTodayQlc)) QLC today, \(Screen.amount(status.earnedTotalQlc)) QLC in all")
        lines += Screen.field(
            "Carried", "↑ \(ByteCount(bytes: status.bytesTodayUp))  ↓ \(ByteCount(bytes: status.bytesTodayDown)) today")
        if let chain = status.chain {
            let state = chain.trouble ?? (chain.syncing ? "catching up" : "up to date")
            lines += Screen.field("Chain", "height \(chain.height), \(chain.peers) peers, \(chain.role), \(state)")
        }
        if let mining = status.mining { lines += Screen.field("Mining", "\(mining.state): \(mining.reason)") }
        if let celsius = status.temperatureCelsius { lines += Screen.field("Temperature", "\(celsius) °C") }
        if let place = status.position { lines += Screen.field("Place", "\(place.latitude) \(place.longitude)") }
        if !status.alerts.isEmpty { lines += ["", Screen.rule("Alerts")] }
        for alert in status.alerts { lines += Screen.field("! ", "\(alert.what); \(alert.mend)") }
        return lines
    }
}
