import Primitives
import SimulatedHAL
import Testing

@testable import Peering

@Suite struct PeerTableTests {
    private static let secret = [UInt8](repeating: 1, count: 32)
    private let start = Instant.zero
    private let limits = PeeringLimits()

    /// Global, and no two in one /16.
    private static func honest(_ index: Int) -> Endpoint {
        Endpoint(address: .v4(UInt32(20 + index / 200) << 24 | UInt32(index % 200) << 16 | 0x0101), port: 4000)
    }

    private func source(_ index: Int) -> NetworkGroup { .provider(of: Self.honest(index)) }

    /// Thirty peers told of ten honest addresses each; one was dialled of each ten. Then one source tells of 5,000, all over the internet.
    @Test func oneSourceDisplacesNobody() {
        var table = PeerTable(secret: Self.secret)
        for index in 0..<300 {
            table.learn(Self.honest(index), from: source(index / 10), at: start)
            if index % 10 == 0 { table.succeeded(Self.honest(index), identity: key(1).publicKey, at: start) }
        }
        let before = Set(table.entries.keys)
        #expect(before.count > 200)
        var random = SplitMix64(seed: 1)
        let attacker = Endpoint(address: .v4(0x6401_0101), port: 1)
        for _ in 0..<5000 {
            let value = UInt32(random.number(0x6500_0000...0x7e00_0000))
            table.learn(Endpoint(address: .v4(value), port: 1), from: .provider(of: attacker), at: start)
        }
        #expect(before.isSubset(of: table.entries.keys))
        #expect(table.entries.count - before.count <= PeerTable.bucketsPerSource * PeerTable.newSize)

        // And of a thousand choices the attacker gets no more than its share of buckets, in the half that are of new addresses.
        var hostile = 0
        for _ in 0..<1000 {
            let chosen = table.candidate(at: start, using: &random) { _ in true }
            if let chosen, !before.contains(chosen.endpoint) { hostile += 1 }
        }
        #expect(hostile < 1000 / 4)
    }

    /// What buckets by source are for: without them one source fills all.
    @Test func manySourcesCouldFillTheTable() {
        var table = PeerTable(secret: Self.secret)
        var random = SplitMix64(seed: 2)
        for _ in 0..<20_000 {
            let value = UInt32(random.number(0x6500_0000...0x7e00_0000))
            table.learn(Endpoint(address: .v4(value), port: 1), from: source(random.number(0...999)), at: start)
        }
        #expect(table.entries.count > 600 && table.entries.count <= PeerTable.newBuckets * PeerTable.newSize)
        #expect(table.all.count == table.entries.count)
    }

    @Test func deadAddressesGiveWay() {
        var table = PeerTable(secret: Self.secret), random = SplitMix64(seed: 3)
        let dead = Self.honest(1)
        table.learn(dead, from: source(1), at: start)
        for _ in 0..<2 { table.change(dead, at: start) { $0.failed(at: start, limits, using: &random) } }
        #expect(table.entries[dead] != nil)
        table.change(dead, at: start) { $0.failed(at: start, limits, using: &random) }
        #expect(table.entries[dead] == nil && table.all.isEmpty)
    }

    @Test func onlyOneThatAnswersTakesATriedPlaceAndOnlyFromOneThatDoesNot() {
        var table = PeerTable(secret: Self.secret), random = SplitMix64(seed: 4)
        // One /16 reaches 60 tried places: of 300 that answer most find theirs taken and stay among the new.
        let crowd = (0..<300).map { Endpoint(address: .v4(0x1414_0000 | UInt32($0)), port: 1) }
        for endpoint in crowd { table.succeeded(endpoint, identity: key(1).publicKey, at: start) }
        let tried = table.all.filter(\.isTried).map(\.endpoint)
        #expect((1...PeerTable.bucketsPerNetwork * PeerTable.triedSize).contains(tried.count))
        for endpoint in crowd { table.succeeded(endpoint, identity: key(1).publicKey, at: start + .seconds(1)) }
        #expect(Set(table.all.filter(\.isTried).map(\.endpoint)) == Set(tried))
        let later = start + .seconds(2 * 86_400)
        for endpoint in tried { table.change(endpoint, at: later) { $0.failed(at: later, limits, using: &random) } }
        for endpoint in crowd where !tried.contains(endpoint) { table.succeeded(endpoint, identity: key(1).publicKey, at: later) }
        #expect(!Set(table.all.filter(\.isTried).map(\.endpoint)).isSuperset(of: tried))
    }

    @Test func candidatesAreThoseWhoseTimeHasCome() {
        var table = PeerTable(secret: Self.secret), random = SplitMix64(seed: 5)
        for index in 0..<2 { table.learn(Self.honest(index), from: source(index), at: start) }
        table.change(Self.honest(0), at: start) { $0.refused(at: start, for: .seconds(100)) }
        for _ in 0..<20 {
            #expect(table.candidate(at: start, using: &random) { _ in true }?.endpoint == Self.honest(1))
            #expect(table.candidate(at: start, using: &random) { $0.isTried } == nil)
        }
        #expect(table.sample(10, using: &random) == [Self.honest(1)])
        let later = start + .seconds(101)
        let chosen = Set((0..<50).compactMap { _ in table.candidate(at: later, using: &random) { _ in true }?.endpoint })
        #expect(chosen.count == 2)
    }

    @Test func equalSeedsChooseAlike() {
        func choices(_ seed: UInt64) -> [Endpoint?] {
            var table = PeerTable(secret: Self.secret), random = SplitMix64(seed: seed)
            for index in 0..<100 { table.learn(Self.honest(index), from: source(index), at: start) }
            return (0..<20).map { _ in table.candidate(at: start, using: &random) { _ in true }?.endpoint }
        }
        #expect(choices(7) == choices(7))
        #expect(choices(7) != choices(8))
    }

    @Test func waitsDoubleUpToAnHour() {
        var redial = Redial(), random = SplitMix64(seed: 6)
        for seconds in [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] {
            redial.failed(at: start, limits, using: &random)
            #expect((Nanoseconds.milliseconds(seconds * 500)...Nanoseconds.seconds(seconds)).contains(redial.notBefore - start))
        }
        redial.succeeded()
        redial.failed(at: start, limits, using: &random)
        #expect(redial.notBefore - start <= .seconds(5))
    }

    @Test(arguments: [
        ("8.8.1.1", "8.8.200.7", true), ("8.8.1.1", "8.9.1.1", false), ("::ffff:8.8.1.1", "8.8.2.2", true),
        ("2a00:1450:1::1", "2a00:1450:ffff::9", true), ("2a00:1450::1", "2a00:1451::1", false), ("10.0.0.1", "10.0.0.2", false),
    ]) func providersAreTheFirstBits(_ one: String, _ other: String, areOne: Bool) {
        func group(_ text: String) -> NetworkGroup { .provider(of: Endpoint(address: IPAddress(text)!, port: 1)) }
        #expect((group(one) == group(other)) == areOne)
    }
}
