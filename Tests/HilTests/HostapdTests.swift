import Foundation
import HAL
import Lab
import LinuxHAL
import Primitives
import Testing

/// One passphrase a buyer: hostapd over its control socket, with devices on the air.
@Suite(hardwareInTheLoop, .serialized)
struct HostapdTests {
    /// Events until one that is waited for has come; fails when it does not.
    private func events(
        of control: HostapdControl, until wanted: (HostapdEvent) -> Bool, seconds: Int = 60
    ) throws -> [HostapdEvent] {
        var seen: [HostapdEvent] = []
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            guard let event = try control.nextEvent() else { continue }
            seen.append(event)
            if wanted(event) { return seen }
        }
        throw LabError.unreadable(what: "hostapd's events", text: "\(seen)")
    }

    @Test func whosePassphraseItWasIsTold() throws {
        let air = try Air(stations: 2, passphrases: ["alice": "alice-passphrase", "bob": "bob-passphrase1"])
        let (control, listener) = (try HostapdControl(path: air.controlPath), try HostapdControl(path: air.controlPath))
        try listener.attach()
        #expect(try control.state().isOnAir && control.state().channel == 6)
        let (alice, bob) = (air.stations[0].mac, air.stations[1].mac)
        #expect(try control.station(alice) == nil)
        let first = try air.join(0, passphrase: "alice-passphrase")
        let second = try air.join(1, passphrase: "bob-passphrase1")
        let seen = try events(of: listener) { $0 == .connected(bob, keyID: "bob") }
        #expect(seen.contains(.connected(alice, keyID: "alice")))
        #expect(try control.station(alice)?.keyID == "alice" && control.station(alice)?.isAuthorized == true)
        #expect(try control.station(bob)?.keyID == "bob")
        first.signal(SIGTERM)
        _ = try events(of: listener) { $0 == .disconnected(alice) }
        #expect(try control.station(alice) == nil)
        second.close()
    }

    /// A buyer more, and then one less: the others' connections stay as they were.
    @Test func addingAndRevokingABuyerDisconnectsNobodyElse() throws {
        let air = try Air(stations: 3, passphrases: ["alice": "alice-passphrase", "bob": "bob-passphrase1"])
        let (control, listener) = (try HostapdControl(path: air.controlPath), try HostapdControl(path: air.controlPath))
        try listener.attach()
        let macs = air.stations.map(\.mac)
        var supplicants = [try air.join(0, passphrase: "alice-passphrase"), try air.join(1, passphrase: "bob-passphrase1")]
        _ = try events(of: listener) { $0 == .connected(macs[1], keyID: "bob") }

        var keys = Passphrases()
        for (id, passphrase) in [("alice", "alice-passphrase"), ("bob", "bob-passphrase1"), ("carol", "carol-passphrase")] {
            try keys.set(passphrase, for: id)
        }
        try keys.file.write(toFile: air.passphraseFile, atomically: true, encoding: .utf8)
        try control.readPassphrases()
        supplicants.append(try air.join(2, passphrase: "carol-passphrase"))
        let joined = try events(of: listener) { $0 == .connected(macs[2], keyID: "carol") }
        #expect(!joined.contains { if case .disconnected = $0 { true } else { false } }, "\(joined)")

        keys.remove("bob")
        try keys.file.write(toFile: air.passphraseFile, atomically: true, encoding: .utf8)
        try control.readPassphrases()
        let left = try events(of: listener) { $0 == .disconnected(macs[1]) }
        #expect(left.filter { if case .disconnected = $0 { true } else { false } } == [.disconnected(macs[1])])
        // He tries again with what he has; the others are still there.
        let tried = try events(of: listener) { $0 == .wrongPassphrase(macs[1]) }
        #expect(!tried.contains(.disconnected(macs[0])) && !tried.contains(.disconnected(macs[2])), "\(tried)")
        #expect(try control.station(macs[0])?.isAuthorized == true && control.station(macs[2])?.keyID == "carol")
        #expect(try control.station(macs[1])?.isAuthorized != true)
        supplicants.forEach { $0.close() }
    }

    @Test func hostapdThatIsGoneIsNamed() throws {
        let air = try Air(stations: 0, passphrases: ["a": "passphrase-a"])
        let control = try HostapdControl(path: air.controlPath)
        let refused = #expect(throws: HALError.self) { try control.ask("NO SUCH COMMAND", for: "do something") }
        #expect(refused?.kind == .unsupported)
        air.killHostapd()
        for body in [{ _ = try control.state() }, { _ = try HostapdControl(path: air.controlPath) }] {
            let error = #expect(throws: HALError.self) { try body() }
            #expect(
                error?.kind == .missing && error?.mend.contains("systemctl restart basestation-hostapd") == true,
                "\(error as Any)")
        }
    }
}
