import HAL
import Primitives
import StationAPI

/// Every check with what was found and, where something is wrong, the mend.
extension Station {
    func diagnose() async -> [CheckView] {
        let alerts = await seams.boardAlerts().map { CheckView(name: "board", passed: false, finding: $0) }
        return [await gateCheck()] + (await portChecks()) + [clockCheck(), await storeCheck()] + alerts + (await radioChecks())
    }

    private func gateCheck() async -> CheckView {
        do {
            let readings = try await cashier.gate.readings()
            return CheckView(name: "packet gate", passed: true, finding: "the kernel meters \(readings.count) clients")
        } catch { return CheckView(name: "packet gate", passed: false, finding: error.what, mend: error.mend) }
    }

    private func portChecks() async -> [CheckView] {
        do {
            return ports(among: try await links.links()).flatMap { port in
                var checks = [
                    CheckView(
                        name: "port \(port.name)", passed: port.isUp,
                        finding: port.isUp ? "up, \(port.role)" : "\(port.name) is absent or has no link",
                        mend: "plug it in, or name another one under [network] in station.toml")
                ]
                if port.isUp, port.addresses.allSatisfy(\.isLinkLocal) {
                    checks.append(
                        CheckView(
                            name: "address of \(port.name)", passed: false, finding: "\(port.name) has no address",
                            mend: "give it one, e.g. in /etc/network/interfaces"))
                }
                if port.name == settings.uplinkPort { checks += Self.doubleTranslation(port) }
                return checks
            }
        } catch { return [CheckView(name: "ports", passed: false, finding: error.what, mend: error.mend)] }
    }

    /// Service is fine behind somebody else's NAT, but nobody out there reaches the station, and ports are shared twice.
    private static func doubleTranslation(_ uplink: StatusView.Port) -> [CheckView] {
        guard let address = uplink.addresses.first(where: \.isPrivateIPv4), !uplink.addresses.contains(where: \.isGlobal) else {
            return []
        }
        let isCarriers = address.isCarrierGradeNAT
        return [
            .warning(
                "double NAT",
                "\(uplink.name) has \(address): \(isCarriers ? "the provider" : "a router before it") translates too",
                mend: isCarriers
                    ? "ask the provider for a public address or IPv6" : "put that router into bridge mode, or give it IPv6")
        ]
    }

    private func clockCheck() -> CheckView {
        let now = clocks.now()
        return CheckView(
            name: "clock", passed: now.wall.isCredible, finding: "it is \(now.wall)",
            mend: "start a time service: systemctl enable --now systemd-timesyncd")
    }

    private func storeCheck() async -> CheckView {
        let storage = await cashier.alerts[.storage]
        return CheckView(
            name: "store", passed: storage == nil, finding: storage ?? "commits reach the disk",
            mend: "free space on the state directory")
    }
}
