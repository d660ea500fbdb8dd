import HAL
import LinuxHAL
import Primitives
import Testing

/// What hostapd says, and what it never should.
struct HostapdTextTests {
    private static let mac = MACAddress("02:00:00:00:01:00")!

    @Test(
        arguments: [
            ("<3>AP-STA-CONNECTED 02:00:00:00:01:00 keyid=alice", .connected(mac, keyID: "alice")),
            ("<3>AP-STA-CONNECTED 02:00:00:00:01:00", .connected(mac, keyID: nil)),
            ("<3>AP-STA-DISCONNECTED 02:00:00:00:01:00", .disconnected(mac)),
            ("<3>AP-STA-POSSIBLE-PSK-MISMATCH 02:00:00:00:01:00", .wrongPassphrase(mac)),
            ("<3>AP-ENABLED ", .onAir), ("<3>AP-DISABLED ", .offAir), ("<3>CTRL-EVENT-TERMINATING ", .terminating),
            ("<3>AP-STA-CONNECTED", nil), ("<3>AP-STA-CONNECTED 02:00:00:00:01", nil), ("AP-ENABLED", nil), ("<", nil), ("", nil),
            ("<3>", nil), ("<3>EAPOL-4WAY-HS-COMPLETED 02:00:00:00:01:00", nil),
        ] as [(String, HostapdEvent?)]) func eventsAreRead(_ text: String, _ event: HostapdEvent?)
    {
        #expect(HostapdEvent(text) == event)
    }

    @Test func aStationIsRead() throws {
        let text = """
            02:00:00:00:01:00
            flags=[AUTH][ASSOC][AUTHORIZED][WMM]
            aid=1
            keyid=alice
            connected_time=12
            nonsense
            =
            """
        let station = try #require(HostapdStation(text))
        #expect(station.mac == Self.mac && station.isAuthorized && station.keyID == "alice" && station.connectedSeconds == 12)
        #expect(HostapdStation("02:00:00:00:01:00\nflags=[AUTH][ASSOC]\n")?.isAuthorized == false)
        for bad in ["", "FAIL\n", "\n", "flags=[AUTHORIZED]"] { #expect(HostapdStation(bad) == nil) }
        #expect(HostapdState("state=ENABLED\nchannel=6\n") == HostapdState("channel=6\nstate=ENABLED"))
        #expect(!HostapdState("").isOnAir && HostapdState("state=DFS\nchannel=x").channel == nil)
    }

    @Test func passphrasesAreCheckedBeforeHostapdSeesThem() throws {
        var keys = Passphrases()
        try keys.set("with spaces too", for: "b")
        try keys.set("alice-passphrase", for: "a")
        #expect(keys.file == "keyid=a 00:00:00:00:00:00 alice-passphrase\nkeyid=b 00:00:00:00:00:00 with spaces too\n")
        for (id, passphrase) in [
            ("", "long enough"), ("a b", "long enough"), ("a\n", "long enough"), ("c", "short"),
            ("c", String(repeating: "x", count: 64)),
            ("c", "eight\nor more"), ("c", "päßwörter"), ("c", "alice-passphrase"),
        ] {
            let before = keys
            #expect(throws: HALError.self, "\(id) \(passphrase)") { try keys.set(passphrase, for: id) }
            #expect(keys == before)
        }
        try keys.set("another passphrase", for: "a")
        keys.remove("b")
        #expect(keys.file == "keyid=a 00:00:00:00:00:00 another passphrase\n")
        for number in 1..<Passphrases.limit { try keys.set("passphrase \(number)", for: "n\(number)") }
        #expect(throws: HALError.self) { try keys.set("one too many", for: "last") }
    }
}
