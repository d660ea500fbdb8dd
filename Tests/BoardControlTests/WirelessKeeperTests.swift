import BoardControl
import Charging
import HAL
import Primitives
import SimulatedHAL
import Station
import Testing

/// Who is on the air has a session, whatever becomes of the radio and of its news.
@Suite struct WirelessKeeperTests {
    static let alice = MACAddress("02:51:00:00:00:01")!
    static let bob = MACAddress("02:51:00:00:00:02")!

    /// With and without news: those only say when to look.
    @Test(arguments: [false, true]) func whoJoinsWithAKeyHasASession(newsLost: Bool) async throws {
        try await WirelessSite().run { site in
            if newsLost { site.air.begin(.newsLost) }
            try await site.sell(1)
            #expect(site.air.join(Self.alice, with: "k1") && !site.air.join(Self.bob, with: "k2"))
            try await site.pass("Alice's session") { await site.session(of: Self.alice)?.key == 1 }
            try await site.pass("her key on the air") { await site.keeper.credential(of: Self.alice) == 1 }
            #expect(await site.session(of: Self.bob) == nil)
            site.air.leave(Self.alice)
            try await site.pass("her absence") { await site.session(of: Self.alice)?.isAway == true }
            #expect(site.air.join(Self.alice, with: "k1"))
            try await site.pass("her return") { await site.session(of: Self.alice)?.isAway == false }
            #expect(site.disk.records.isEmpty)
        }
    }

    /// A dead radio and a dead authenticator are mended with the next look, and cost nobody the session.
    @Test(arguments: [SimulatedAccessPoint.Fault.radioGone, .authenticatorDead, .clientsUnreadable])
    func whatBreaksIsServedAgain(fault: SimulatedAccessPoint.Fault) async throws {
        try await WirelessSite().run { site in
            try await site.sell(1)
            site.air.join(Self.alice, with: "k1")
            try await site.pass("Alice's session") { await site.session(of: Self.alice) != nil }
            let before = await site.session(of: Self.alice)?.id
            site.air.begin(fault)
            try await site.pass("her absence") { await site.session(of: Self.alice)?.isAway == true }
            #expect(await site.keeper.clients.isEmpty)
            #expect(await (site.keeper.failure != nil) == (fault != .clientsUnreadable))
            try await site.pass(.seconds(5))
            site.air.end(fault)
            try await site.pass("the air again") { site.air.isOnAir }
            site.air.join(Self.alice, with: "k1")
            try await site.pass("her return") { await site.session(of: Self.alice)?.isAway == false }
            #expect(await site.session(of: Self.alice)?.id == before)
        }
    }

    /// Who had been silent for long when it left is charged until it was last heard; who had not, until it left.
    @Test(arguments: [(30, 10), (5, 40)]) func silenceIsNotCharged(silent: UInt64, charged: UInt64) async throws {
        try await WirelessSite().run { site in
            try await site.sell(1)
            site.air.join(Self.alice, with: "k1")
            try await site.pass("Alice's session") { await site.session(of: Self.alice) != nil }
            try await site.pass(.seconds(40))
            let end = site.station.clocks.now().boot
            site.air.silence(Self.alice, since: end + (.zero - .seconds(silent)))
            try await site.pass(.seconds(2))
            site.air.leave(Self.alice)
            try await site.pass("the end") { !site.disk.records.isEmpty }
            let record = try #require(site.disk.records.first)
            // A look comes up to a second late, and a step of the test's clock.
            #expect(record.endReason == .left)
            #expect((charged...(charged + 3)).contains(record.seconds), "\(record.seconds) s charged")
        }
    }

    @Test func aRevokedKeyIsOffTheAirAndTheOthersAreNot() async throws {
        try await WirelessSite().run { site in
            try await site.sell(1)
            try await site.sell(2)
            site.air.join(Self.alice, with: "k1")
            site.air.join(Self.bob, with: "k2")
            try await site.pass("two sessions") {
                let (alice, bob) = (await site.session(of: Self.alice), await site.session(of: Self.bob))
                return alice != nil && bob != nil
            }
            _ = try await site.cashier.submit(.keyRevoked(number: 1))
            await site.keeper.keysChanged()
            #expect(site.air.credentials.map(\.id) == ["k2"])
            try await site.pass("Alice's end") { await site.session(of: Self.alice) == nil }
            try await site.pass("the last look") { await site.keeper.clients.map(\.mac) == [Self.bob] }
            #expect(await site.session(of: Self.bob)?.isAway == false)
            #expect(site.disk.records.map(\.endReason) == [.disconnected])
        }
    }

    /// Whom the owner sends away comes back with its key.
    @Test func whoIsSentAwayMayComeBack() async throws {
        try await WirelessSite().run { site in
            try await site.sell(1)
            site.air.join(Self.alice, with: "k1")
            try await site.pass("Alice's session") { await site.session(of: Self.alice) != nil }
            #expect(await site.keeper.sendAway(Self.alice))
            try await site.pass("her absence") { await site.session(of: Self.alice)?.isAway == true }
            #expect(await !site.keeper.sendAway(Self.bob))
            site.air.join(Self.alice, with: "k1")
            try await site.pass("her return") { await site.session(of: Self.alice)?.isAway == false }
        }
    }

    /// The radio lists a device for a while after it told that it has gone: that is no return.
    @Test func whoIsOnlyListedYetIsAway() async throws {
        try await WirelessSite().run { site in
            try await site.sell(1)
            site.air.join(Self.alice, with: "k1")
            try await site.pass("Alice's session") { await site.session(of: Self.alice) != nil }
            site.air.begin(.forgetsLate)
            try await site.pass(.seconds(1))
            site.air.leave(Self.alice)
            try await site.pass("her absence") { await site.session(of: Self.alice)?.isAway == true }
            try await site.pass(.seconds(5))
            #expect(await site.session(of: Self.alice)?.isAway == true)
            // Joined anew, she is there.
            site.air.join(Self.alice, with: "k1")
            try await site.pass("her return") { await site.session(of: Self.alice)?.isAway == false }
        }
    }

    /// Passphrases differ, and are the same after a restart.
    @Test func passphrasesFollowFromTheSecret() async throws {
        var seen: [[WirelessCredential]] = []
        for _ in 0..<2 {
            try await WirelessSite().run { site in
                for number in 1...3 { try await site.sell(UInt32(number)) }
                seen.append(site.air.credentials)
            }
        }
        #expect(seen[0] == seen[1] && Set(seen[0].map(\.passphrase)).count == 3)
    }

    /// Neither undoes the other's limit, in whichever order they come.
    @Test func ownerAndHeatBothLowerThePower() async throws {
        try await WirelessSite().run { site in
            func expect(_ dbm: Int, by reason: TransmitPower.Reason, sourceLocation: SourceLocation = #_sourceLocation) async {
                #expect(site.air.power == UInt32(dbm * 100), sourceLocation: sourceLocation)
                #expect(await site.keeper.power.reason == reason, sourceLocation: sourceLocation)
            }
            await expect(20, by: .configuration)
            await site.keeper.cool(.quarter)
            await expect(14, by: .heat)
            try await site.keeper.limitPower(toDbm: 20)
            await expect(14, by: .heat)
            try await site.keeper.limitPower(toDbm: 7)
            await expect(1, by: .heat)
            await site.keeper.cool(.full)
            await expect(7, by: .owner)
            await site.keeper.cool(.minimum)
            await expect(0, by: .heat)
        }
    }

    /// What could not be done while the radio was gone is done when it is back.
    @Test func heatIsNotForgottenWhileTheRadioIsGone() async throws {
        try await WirelessSite().run { site in
            site.air.begin(.radioGone)
            await site.keeper.cool(.half)
            #expect(site.air.power == 2_000)
            site.air.end(.radioGone)
            try await site.pass("the order to be repeated") { site.air.power == 1_700 }
        }
    }

    /// An address from the radio's own leases is the session's without a packet.
    @Test func aLeaseTellsTheAddress() async throws {
        try await WirelessSite().run { site in
            try await site.sell(1)
            site.air.join(Self.alice, with: "k1")
            let address = IPAddress("10.77.0.9")!
            site.air.set([Lease(mac: Self.alice, address: address, name: "phone")])
            try await site.pass("her address") { await site.session(of: Self.alice)?.addresses.isEmpty == false }
            #expect(await site.session(of: Self.alice)?.addresses == [address])
        }
    }
}
