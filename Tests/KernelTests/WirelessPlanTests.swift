import HAL
import Primitives
import Testing

@testable import LinuxHAL

/// What is written for hostapd and dnsmasq, and read of them. That they do as they are told is shown on the air (HilTests).
@Suite struct WirelessPlanTests {
    private static func plan(_ change: (inout WirelessPlan) -> Void = { _ in }) -> WirelessPlan {
        var plan = WirelessPlan(port: "wlan0", ssid: "Café", country: "DE", channel: 6, runtimeDirectory: "/run/basestation")
        plan.saePort = "wlan0s"
        plan.addressing = [PortAddressing(port: "wlan0", network4: 0x0a4d_0000, network6: 0xfd12_3456_789a_0000)]
        change(&plan)
        return plan
    }

    @Test func anyNameIsWrittenSoThatItStaysAName() {
        let text = HostapdConfiguration(Self.plan { $0.ssid = "x\nwpa=0 \"#" }).text
        #expect(text.contains("\nssid2=780a7770613d30202223\n") && !text.contains("\nwpa=0"))
    }

    @Test func clientsAreKeptApartAndSecretsElsewhere() {
        let text = HostapdConfiguration(Self.plan()).text
        #expect(text.split(separator: "\n").count { $0 == "ap_isolate=1" } == 2)
        #expect(text.contains("\nbss=wlan0s\nctrl_interface=/run/basestation/hostapd-"))
        #expect(!text.contains("passphrase") && text.contains("\nwpa_psk_file=/run/basestation/wpa_psk\n"))
    }

    /// hostapd that answers at a configuration's place has that configuration.
    @Test(
        arguments: [
            { $0.ssid = "other" }, { $0.channel = 36 }, { $0.country = "FR" }, { $0.saePort = nil },
            { $0.inactivitySeconds = 60 },
        ] as [@Sendable (inout WirelessPlan) -> Void])
    func anotherConfigurationHasAnotherPlace(_ change: @Sendable (inout WirelessPlan) -> Void) {
        #expect(HostapdConfiguration(Self.plan(change)).controlDirectory != HostapdConfiguration(Self.plan()).controlDirectory)
        #expect(HostapdConfiguration(Self.plan()).controlDirectory == HostapdConfiguration(Self.plan()).controlDirectory)
    }

    @Test func clientsAreToldOfThePortal() {
        let text = AddressService(Self.plan()).text
        for line in [
            "dhcp-range=set:wlan0,10.77.0.10,10.77.0.250,255.255.255.0,3600", "enable-ra", "user=nobody",
            "dhcp-option=tag:wlan0,114,http://10.77.0.1:2050/.well-known/captive-portal",
            "dhcp-option=tag:wlan0,option6:103,http://[fd12:3456:789a::1]:2050/.well-known/captive-portal",
        ] {
            #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
        #expect(!AddressService(Self.plan { $0.usesUnits = true }).text.contains("user="))
    }

    @Test(arguments: [
        ("1700000000 02:00:00:00:01:00 10.77.0.20 phone 01:02:00:00:00:01:00", "phone"),
        ("1700000000 02:00:00:00:01:00 10.77.0.20 * *", ""),
        ("1700000000 02:00:00:00:01:00 10.77.0.20 a\u{1b}[31mb *", "a31mb"),
    ])
    func leasesAreRead(_ line: String, _ name: String) {
        let lease = Lease(line: Substring(line))
        #expect(lease == Lease(mac: MACAddress("02:00:00:00:01:00")!, address: IPAddress("10.77.0.20")!, name: name))
    }

    @Test(arguments: [
        "", "duid 00:01:00:01", "1700000000 1234567 fd12::20 phone 00:01", "x y z", "1 02:00:00:00:01:00 300.1.1.1 n *",
    ])
    func whatIsNoLeaseIsLeftOut(_ line: String) { #expect(Lease(line: Substring(line)) == nil) }

    @Test(
        arguments: [(2_412, 1), (2_437, 6), (2_472, 13), (2_484, 14), (5_180, 36), (5_885, 177), (5_955, 1), (900, 0)]
            as [(UInt32, Int)])
    func channelsHaveNumbers(_ megahertz: UInt32, _ number: Int) { #expect(WirelessChannel.number(of: megahertz) == number) }
}
