import Primitives

/// hostapd's configuration file. It holds no secret: passphrases are in `wpa_psk_file`, or told by the control socket.
struct HostapdConfiguration: Hashable {
    /// Names the configuration: hostapd that answers there is one that has it.
    let controlDirectory: String
    let text: String

    init(_ plan: WirelessPlan) {
        let body = Self.body(plan)
        let directory = "\(plan.runtimeDirectory)/\(Self.prefix)\(fingerprint(body))"
        controlDirectory = directory
        text =
            "# Written by basestationd: changes are lost.\n"
            + body.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.hasPrefix("interface=") || line.hasPrefix("bss=") ? "\(line)\nctrl_interface=\(directory)" : String(line)
            }.joined(separator: "\n")
    }

    static let prefix = "hostapd-"
    static func passphrasePath(_ plan: WirelessPlan) -> String { plan.runtimeDirectory + "/wpa_psk" }

    func controlPath(of port: String) -> String { "\(controlDirectory)/\(port)" }

    private static func body(_ plan: WirelessPlan) -> String {
        var text = """
            interface=\(plan.port)
            driver=nl80211
            country_code=\(plan.country)
            ieee80211d=1
            hw_mode=\(WirelessChannel.mode(of: plan.channel))
            channel=\(plan.channel)
            ieee80211n=1
            \(shared(plan.ssid, plan))
            wpa_key_mgmt=WPA-PSK WPA-PSK-SHA256
            ieee80211w=1
            wpa_psk_file=\(passphrasePath(plan))

            """
        if let port = plan.saePort {
            text += """
                bss=\(port)
                \(shared(plan.saeSSID, plan))
                wpa_key_mgmt=SAE
                ieee80211w=2
                sae_require_mfp=1

                """
        }
        return text
    }

    /// Clients reach nobody but the station: what they say to each other would be neither metered nor held apart.
    private static func shared(_ ssid: String, _ plan: WirelessPlan) -> String {
        """
        ssid2=\(Hex.encode(Array(ssid.utf8)))
        ap_isolate=1
        wmm_enabled=1
        ap_max_inactivity=\(plan.inactivitySeconds)
        wpa=2
        rsn_pairwise=CCMP
        """
    }
}
