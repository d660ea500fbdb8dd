import Consensus
import Ledger
import Primitives
import Testing

extension Chain {
    func facts(_ ssid: String) -> AssetFacts {
        var facts = AssetFacts()
        (facts.geohash, facts.bssid, facts.ssid) = ("u0nd9k", 0x0200_0000_0001, Array(ssid.utf8))
        return facts
    }

    mutating func registerAsset(_ ssid: String = "here", by person: Int) throws -> AssetID {
        let registration = RegisterAsset(facts(ssid))
        let id = registration.identity(of: names[person], state.account(names[person]).sequence)
        try #require(try run(.registerAsset(registration), by: person) == nil)
        return id
    }

    func ssid(of asset: AssetID) -> String? {
        state.asset(asset).map { String(decoding: $0.facts(at: state.head.height).ssid, as: UTF8.self) }
    }
}

@Suite struct AssetTests {
    @Test func anIdentityIsItsOwnersAndNeverChanges() throws {
        var chain = try Chain()
        let (one, twin) = (try chain.registerAsset(by: 4), try chain.registerAsset(by: 4))
        #expect(one != twin, "the same facts again are another asset")
        #expect(try chain.run(.updateAsset(UpdateAsset(one, to: chain.facts("there"))), by: 4) == nil)
        for _ in 0..<7 { try chain.add() }
        #expect(chain.ssid(of: one) == "there" && chain.ssid(of: twin) == "here")
        #expect(chain.state.asset(one)?.owner == chain.names[4])
    }

    @Test(arguments: [0, 1, 6] as [UInt64]) func anUpdateIsPendingUntilItsConfirmationsAreIn(confirmations: UInt64) throws {
        var chain = try Chain([.assetConfirmations: confirmations])
        let asset = try chain.registerAsset("old", by: 4)
        try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("new"))), by: 4)
        for _ in 0..<confirmations {
            #expect(chain.ssid(of: asset) == "old")
            try chain.add()
        }
        #expect(chain.ssid(of: asset) == "new")
    }

    @Test func anUpdateThatIsPendingGivesWayToTheNext() throws {
        var chain = try Chain()
        let asset = try chain.registerAsset("old", by: 4)
        try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("first"))), by: 4)
        for _ in 0..<5 { try chain.add() }
        try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("first again"))), by: 4)
        #expect(chain.ssid(of: asset) == "first", "six confirmations were in")
        try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("second"))), by: 4)
        for _ in 0..<6 { try chain.add() }
        #expect(chain.ssid(of: asset) == "second")
    }

    /// More confirmations, voted for later, turn nothing back that holds already.
    @Test func aVoteOnConfirmationsLeavesWhatHolds() throws {
        var chain = try Chain([.assetConfirmations: 1, .epochBlocks: 6])
        let asset = try chain.registerAsset("old", by: 4)
        try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("new"))), by: 4)
        for delegate in 0..<3 { try chain.run(.vote(ParameterVote(.assetConfirmations, value: 900)), by: delegate) }
        #expect(chain.ssid(of: asset) == "new")
        try chain.endEpoch()
        #expect(chain.state.parameters[.assetConfirmations] == 900)
        #expect(chain.ssid(of: asset) == "new")
    }

    @Test(arguments: [false, true]) func aRetiredAssetKeepsWhatHeldLast(somethingIsPending: Bool) throws {
        var chain = try Chain([.assetConfirmations: 2])
        let asset = try chain.registerAsset("old", by: 4)
        try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("new"))), by: 4)
        for _ in 0..<2 { try chain.add() }
        if somethingIsPending { try chain.run(.updateAsset(UpdateAsset(asset, to: chain.facts("never"))), by: 4) }
        #expect(try chain.run(.retireAsset(RetireAsset(asset)), by: 4) == nil)
        for _ in 0..<3 { try chain.add() }
        #expect(chain.ssid(of: asset) == "new" && chain.state.asset(asset)?.isRetired == true)
    }

    @Test func onlyTheOwnerSpeaksForAnAssetInService() throws {
        var chain = try Chain()
        let asset = try chain.registerAsset(by: 4)
        func all(_ id: AssetID) -> [Payload] {
            [
                .updateAsset(UpdateAsset(id, to: chain.facts("x"))), .retireAsset(RetireAsset(id)),
                .commitUsage(CommitUsage(asset: id, usageRoot: .zero, records: 0, visits: [])),
            ]
        }
        for payload in all(.zero) { #expect(try chain.run(payload, by: 4) == .noSuchAsset) }
        for payload in all(asset) { #expect(try chain.run(payload, by: 5) == .notTheOwner) }
        try chain.run(.retireAsset(RetireAsset(asset)), by: 4)
        for payload in all(asset) { #expect(try chain.run(payload, by: 4) == .assetRetired) }
    }

    @Test func duplicateContentIsRefusedAndItsFirstOwnerKeepsIt() throws {
        var chain = try Chain()
        let content = RegisterContent(hash: TaggedHash.digest(tag: "film", [1]), size: 20_000_000)
        #expect(try chain.run(.registerContent(content), by: 4) == nil)
        #expect(try chain.run(.registerContent(content), by: 5) == .contentKnown)
        #expect(try chain.run(.registerContent(content), by: 4) == .contentKnown)
        #expect(chain.state[.content(content.hash)] == .content(Content(of: chain.names[4], size: 20_000_000, at: 1)))
    }

    @Test func aTariffIsPublishedOnce() throws {
        var chain = try Chain()
        let tariff = PublishTariff([1, 2, 3])
        #expect(try chain.run(.publishTariff(tariff), by: 4) == nil)
        #expect(try chain.run(.publishTariff(tariff), by: 5) == .tariffKnown)
        #expect(chain.state[.tariff(tariff.digest)] == .tariff(PublishedTariff([1, 2, 3], by: chain.names[4])))
    }

    @Test func usageKeepsTheLastCommitmentsAndTheHistoryOfAll() throws {
        var chain = try Chain([.usageKept: 2])
        let asset = try chain.registerAsset(by: 4)
        var histories: Set<Bytes32> = []
        for number in UInt8(1)...4 {
            let visits = [SealedVisit([number]), SealedVisit([0])]
            let root = TaggedHash.digest(tag: "usage", [number])
            try chain.run(.commitUsage(CommitUsage(asset: asset, usageRoot: root, records: 2, visits: visits)), by: 4)
            guard case .usage(let usage)? = chain.state[.usage(of: asset)] else { throw MissingEntry() }
            #expect(usage.count == UInt64(number) && usage.latest.count == min(2, Int(number)))
            #expect(usage.latest.last?.usageRoot == root)
            #expect(usage.latest.last?.visitRoot == MerkleTree.root([[number], [0]]))
            histories.insert(usage.history)
        }
        #expect(histories.count == 4)
    }
}

struct MissingEntry: Error {}
