import Charging
import OrderedCollections
import Primitives
import StationAPI

/// The station's state as Prometheus text (exposition format 0.0.4).
enum Metrics {
    static func text(_ station: Station) async throws -> String {
        let status = try await station.status()
        let (sessions, channels, codes) = await station.cashier.read { ($0.sessions.count, $0.channels.count, $0.codes.count) }
        var page = Page()
        page.add("basestation_up", "gauge", "1 while the station answers", 1)
        page.add("basestation_uptime_seconds", "counter", "Seconds since the daemon started", status.uptimeSeconds)
        page.add("basestation_sharing", "gauge", "1 while the owner shares and the ports are up", status.sharing ? 1 : 0)
        page.add("basestation_sessions_open", "gauge", "Open sessions", UInt64(sessions))
        page.add("basestation_sessions_ended_total", "counter", "Sessions that have ended", status.sessionsTotal)
        page.add("basestation_channels", "gauge", "Payment channels known", UInt64(channels))
        page.add("basestation_access_codes", "gauge", "Access codes known", UInt64(codes))
        page.add("basestation_earned_qlc_units_total", "counter", "Charged so far, in 1e-8 QLC", status.earnedTotalQlc.units)
        page.add("basestation_disk_written_bytes_total", "counter", "Bytes handed to the disk", status.diskBytesWrittenToday)
        page.add("basestation_commits_total", "counter", "Commits to disk", await station.cashier.commits)
        page.add("basestation_alerts", "gauge", "Alerts that wait for somebody", UInt64(status.alerts.count))
        if let chain = status.chain {
            page.add("basestation_chain_height", "gauge", "The newest final block", chain.height)
            page.add("basestation_chain_peers", "gauge", "Nodes that this one is connected to", UInt64(chain.peers))
            page.add("basestation_chain_syncing", "gauge", "1 while others have newer blocks", chain.syncing ? 1 : 0)
        }
        if let mining = await station.seams.mining?.view() { page.add(mining) }
        if let pool = await station.seams.pool?.view() { page.add(pool) }
        for port in status.ports {
            let label = "{port=\"\(port.name)\",role=\"\(port.role)\"}"
            page.add("basestation_port_received_bytes_total", "counter", "Bytes received", port.bytesReceived, label)
            page.add("basestation_port_sent_bytes_total", "counter", "Bytes sent", port.bytesSent, label)
        }
        return page.text
    }

    struct Page {
        var text = ""
        private var described: Set<String> = []

        mutating func add(_ name: String, _ type: String, _ help: String, _ value: UInt64, _ labels: String = "") {
            if described.insert(name).inserted { text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n" }
            text += "\(name)\(labels) \(value)\n"
        }
    }
}
