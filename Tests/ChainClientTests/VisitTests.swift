import BoundedJSON
import ChainAPI
import ChainClient
import Charging
import Ledger
import Primitives
import Testing
import ToyLedger

/// Visits that a wallet finds on the chain, through honest nodes and others.
@Suite struct VisitTests {
    static let buyer = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 7, count: 32))!)
    static let other = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 8, count: 32))!)

    /// A station with an asset of person 4.
    static func chain(start: UInt64 = LedgerSource.start) async throws -> (source: LedgerSource, asset: AssetID) {
        let source = try LedgerSource(start: start)
        let registration = RegisterAsset(AssetFacts())
        try await source.offer(.registerAsset(registration), by: 4)
        try await source.makeBlock()
        return (source, registration.identity(of: source.keys[4].publicKey, 0))
    }

    static func usage(_ source: LedgerSource, _ number: UInt64, for key: OpeningKey = buyer, by person: Int = 4)
        -> UncommittedUsage
    {
        let record = UsageRecord(
            station: source.keys[person].publicKey, session: SessionID(high: 0, low: number), buyer: nil, accessCode: nil,
            tariffID: "day", mac: MACAddress(value: 1), startedAt: WallTime(secondsSince1970: 0),
            endedAt: WallTime(secondsSince1970: 9), seconds: 9, bytesUp: 2, bytesDown: 3, charge: QLC("0.5")!, paid: .zero,
            voucher: nil, endReason: .left)
        return UncommittedUsage(Signed(record, by: source.keys[person]), visitKey: key.sealingKey)
    }

    static func commit(_ source: LedgerSource, _ asset: AssetID, _ all: [UncommittedUsage], by person: Int = 4) async throws {
        try await source.offer(.commitUsage(CommitUsage(of: all, by: asset)), by: person)
        try await source.makeBlock()
    }

    private actor Results {
        var all: [VisitHistory] = []
        func note(_ result: VisitHistory) { all.append(result) }
    }

    /// What each of the keys finds through one node.
    private func visits(
        in source: LedgerSource, for keys: [OpeningKey] = [buyer], proving: Bool = true,
        _ lie: @escaping @Sendable ([UInt8], [UInt8]) async -> TestNode.Answer = { .bytes($1) }
    ) async throws -> [VisitHistory] {
        let results = Results()
        try await TestNode.run(source, lie: lie) { node in
            for key in keys {
                var client = try await node.client(proving: proving)
                await results.note(try await client.visits(for: key, waits: false))
            }
        }
        return await results.all
    }

    private static func isProved(_ visit: VisitHistory.Visit) -> Bool {
        if case .proved = visit.standing { true } else { false }
    }

    private static func twoBuyers() async throws -> (source: LedgerSource, asset: AssetID) {
        let (source, asset) = try await chain()
        try await commit(source, asset, [usage(source, 1), usage(source, 2, for: other)])
        for _ in 0..<200 { try await source.makeBlock() }
        try await commit(source, asset, [usage(source, 3)])
        try await source.makeBlock()
        return (source, asset)
    }

    @Test func eachBuyerFindsItsOwnAndNoOthers() async throws {
        let (source, asset) = try await Self.twoBuyers()
        let all = try await visits(in: source, for: [Self.buyer, Self.other, OpeningKey(of: source.keys[6])])
        #expect(all.map { $0.visits.map(\.record.session.low) } == [[1, 3], [2], []])
        let found = try #require(all.first)
        #expect(found.visits.map(\.height) == [2, 203] && found.visits.allSatisfy(Self.isProved))
        #expect(found.visits.first?.record.charge == QLC("0.5")! && found.visits.first?.record.asset == asset)
        #expect(found.fromHeight == 1 && found.toHeight == 204)
    }

    @Test func withoutAGenesisFileTheNodeIsBelieved() async throws {
        let (source, _) = try await Self.twoBuyers()
        let found = try await visits(in: source, proving: false)
        #expect(found.first?.visits.count == 2 && found.first?.visits.contains(where: Self.isProved) == false)
    }

    @Test func itSaysHowFarBackTheNodeGoes() async throws {
        let (source, asset) = try await Self.chain()
        try await Self.commit(source, asset, [Self.usage(source, 1)])
        try await Self.commit(source, asset, [Self.usage(source, 2)])
        await source.forgetBlocks(before: 3)
        let found = try await visits(in: source)
        #expect(found.first?.fromHeight == 3 && found.first?.visits.map(\.record.session.low) == [2])
    }

    /// The ledger lists the newest commitments of an asset by themselves: older ones stand in signed transactions, and are not proved.
    @Test func whatTheLedgerListsNoMoreIsNotProved() async throws {
        let (source, asset) = try await Self.chain()
        for number in 0..<66 { try await Self.commit(source, asset, [Self.usage(source, UInt64(number))]) }
        try await source.makeBlock()
        let found = try #require(try await visits(in: source).first).visits
        #expect(found.map(\.record.session.low) == Array(0..<66))
        #expect(found.map(Self.isProved) == [false, false] + Array(repeating: true, count: 64))
    }

    /// Somebody commits for a station that is not his: the block has it, the ledger refused it. And the owner hands on what another station
    /// sealed: it names that other station.
    @Test func whatTheLedgerRefusedIsNoVisit() async throws {
        let (source, asset) = try await Self.chain()
        try await Self.commit(source, asset, [Self.usage(source, 1, by: 5)], by: 5)
        try await Self.commit(source, asset, [Self.usage(source, 2)])
        try await Self.commit(source, asset, [Self.usage(source, 3, by: 5)])
        try await source.makeBlock()
        #expect(try await visits(in: source).first?.visits.map(\.record.session.low) == [2])
    }

    enum Lie: CaseIterable {
        case alteredVisit, otherAsset, otherName, otherPayload, noBytes, otherHeight, invented, standingStill
    }

    @Test(arguments: Lie.allCases) func aLyingNodeInventsNoVisit(_ lie: Lie) async throws {
        let (source, asset) = try await Self.chain()
        try await Self.commit(source, asset, [Self.usage(source, 1)])
        try await source.makeBlock()
        let invented = await source.sign(.commitUsage(CommitUsage(of: [Self.usage(source, 9, by: 6)], by: asset)), by: 6)
        let transfer = await source.sign(.transfer(Transfer(to: source.keys[5].publicKey, amount: QLC("1")!)), by: 6)
        do {
            let found = try await visits(in: source, for: [Self.buyer]) { request, answer in
                guard isCall(request, of: .visits) else { return .bytes(answer) }
                return .bytes(
                    Self.changedCommitment(answer) { commitment in
                        guard
                            var bytes = commitment["transaction"].flatMap({ value -> [UInt8]? in
                                if case .text(let hex) = value { Hex.decode(hex) } else { nil }
                            })
                        else { return }
                        switch lie {
                        case .alteredVisit: bytes[bytes.count - 100] ^= 1
                        case .otherAsset: commitment["asset"] = .text(Bytes32.zero.description)
                        case .otherName: commitment["id"] = .text(Bytes32.zero.description)
                        case .otherPayload: bytes = transfer.bytes
                        case .noBytes: bytes = []
                        case .otherHeight: commitment["height"] = .integer(3)
                        case .invented:
                            bytes = invented.bytes
                            commitment["id"] = .text(invented.id.description)
                        case .standingStill: break
                        }
                        commitment["transaction"] = .text(Hex.encode(bytes))
                    } next: {
                        lie == .standingStill ? .object(["height": .integer(1), "index": .integer(0)]) : $0
                    })
            }
            // What is signed, and by no owner of the asset, or of another height than the ledger has, is just not shown.
            #expect(lie == .invented || lie == .otherHeight, "\(lie) was believed")
            #expect(found.first?.visits.isEmpty == true)
        } catch let error as ChainClientError {
            switch error {
            case .lie, .notAnAnswer: #expect(lie != .invented && lie != .otherHeight)
            default: Issue.record("\(error)")
            }
        }
    }

    /// The answer with its first commitment and its next place changed.
    private static func changedCommitment(
        _ answer: [UInt8], _ body: (inout [String: JSONValue]) -> Void, next: (JSONValue?) -> JSONValue?
    ) -> [UInt8] {
        guard let result = (try? JSONValue(bytes: answer))?["result"], case .list(var all)? = result["commitments"],
            case .object(var first)? = all.first
        else { return answer }
        body(&first)
        all[0] = .object(first)
        return changed(changed(answer, "commitments", to: .list(all)), "next", to: next(result["next"]))
    }
}
