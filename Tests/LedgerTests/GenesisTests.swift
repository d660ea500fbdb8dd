import Consensus
import Foundation
import Ledger
import Primitives
import Testing

@Suite struct GenesisTests {
    private func error(_ change: (inout Genesis) -> Void) throws -> LedgerError? {
        var genesis = try Chain().genesis
        change(&genesis)
        do throws(LedgerError) {
            _ = try genesis.state()
            return nil
        } catch { return error }
    }

    @Test func oneMoreDigitMakesAnotherChain() throws {
        let genesis = try Chain().genesis
        var other = genesis
        other.time += 1
        #expect(genesis.chainID != other.chainID)
        #expect(try Genesis(canonicalBytes: genesis.canonicalBytes) == genesis)
    }

    @Test func aGenesisThatIsWrongIsRefused() throws {
        #expect(try error { _ in } == nil)
        let changes: [(inout Genesis) -> Void] = [
            { $0.allocations.append($0.allocations[0]) }, { $0.delegates.append($0.delegates[0]) }, { $0.delegates = [] },
            { $0.delegates[0].commission = 10_001 }, { $0.delegates[0].stake = QLC(units: 1) },
            { $0.vesting = [Genesis.VestedAllocation($0.allocations[0].key, .zero, start: 5, end: 5)] },
            { $0.name = String(repeating: "x", count: 33) },
            { $0.vesting = Array(repeating: Genesis.VestedAllocation(), count: Genesis.delegateLimit + 1) },
        ]
        for change in changes {
            let error = try error(change)
            if case .genesisInvalid? = error { continue }
            Issue.record("\(String(describing: error))")
        }
    }

    @Test(arguments: [(1, false), (1, true), (QLC.supply.units, false), (.max, false)] as [(UInt64, Bool)])
    func theWholeSupplyIsHandedOutExactly(units: UInt64, isLess: Bool) throws {
        let found = try error { genesis in
            let amount = genesis.allocations[4].amount
            genesis.allocations[4].amount = isLess ? amount - QLC(units: units) : amount + QLC(units: units)
        }
        guard case .supplyBroken(.supply, _)? = found else {
            Issue.record("\(String(describing: found))")
            return
        }
    }

    @Test func aStateThatIsDamagedIsRefused() throws {
        let state = try Chain().state
        func restore(_ change: (inout [(key: StateKey, entry: StateEntry)]) -> Void) throws(LedgerError) {
            var entries = state.all.map { (key: $0.key, entry: $0.value) }
            change(&entries)
            _ = try LedgerState(chainID: state.chainID, head: state.head, entries: entries)
        }
        try restore { $0.reverse() }
        for kind in [StateKey.Kind.epoch, .parameters, .funds, .attendance] {
            #expect(throws: LedgerError.stateDamaged("what every state has is missing")) {
                try restore { $0.removeAll { $0.key.kind == kind } }
            }
        }
        #expect(throws: LedgerError.stateDamaged("under asset stands account")) {
            try restore { $0.append((key: .asset(.zero), entry: .account(Account()))) }
        }
        #expect(throws: LedgerError.stateDamaged("a funds stands twice")) {
            try restore { $0.append((key: .funds, entry: .funds(Funds()))) }
        }
        #expect(throws: LedgerError.self) { try restore { $0.removeAll { $0.key.kind == .account } } }
    }

    /// The tree takes what is loaded by the batch: neither the batches nor the order can be seen in it.
    @Test func aLargeStateIsLoadedAsItWas() throws {
        let state = try Chain().state
        var entries = state.all.map { (key: $0.key, entry: $0.value) }
        for number in 0..<40_000 as Range<UInt64> {
            let id = TaggedHash.digest(tag: "test/account", Array("\(number)".utf8))
            var account = Account()
            account.sequence = number + 1
            entries.append((key: StateKey(.account, id), entry: .account(account)))
        }
        let forward = try LedgerState(chainID: state.chainID, head: state.head, entries: entries)
        let backward = try LedgerState(chainID: state.chainID, head: state.head, entries: entries.reversed())
        var tree = StateTree()
        tree.update(entries.map { ($0.key.path, $0.entry.hash) })
        #expect(forward.root == tree.root)
        #expect(backward.root == tree.root)
        #expect(forward.all == backward.all)
        #expect(forward.keys(of: .delegate) == state.keys(of: .delegate))
        // A key that stands twice, in two batches.
        #expect(throws: LedgerError.stateDamaged("a account stands twice")) {
            try LedgerState(chainID: state.chainID, head: state.head, entries: entries + [entries[state.all.count]])
        }
    }

    /// It comes from a peer: a height that is far off costs nothing, and traps nothing.
    @Test(arguments: [5, 1 << 40, .max] as [UInt64]) func aHeightOutsideItsEpochIsRefused(height: UInt64) throws {
        let state = try Chain([.epochBlocks: 5]).state
        var head = state.head
        head.height = height
        let entries = state.all.map { (key: $0.key, entry: $0.value) }
        #expect(throws: LedgerError.stateDamaged("height \(height) is not in its epoch")) {
            try LedgerState(chainID: state.chainID, head: head, entries: entries)
        }
        head.height = 4
        _ = try LedgerState(chainID: state.chainID, head: head, entries: entries)
    }

    static func load(_ name: String) throws -> Genesis {
        let path = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../board/genesis/\(name)").standardizedFileURL
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Genesis.self, from: Data(contentsOf: path))
    }

    /// [CHAIN-5]. Its keys are of nobody: whoever starts the main net puts real ones.
    @Test func theMainNetsTemplateDividesTheSupplyAsPromised() throws {
        let genesis = try Self.load("mainnet-template.json")
        let state = try genesis.state()
        #expect(state.supply == .supply)
        let staked = genesis.delegates.reduce(QLC.zero) { $0 + $1.stake }
        let team = genesis.vesting.reduce(QLC.zero) { $0 + $1.amount }
        let reserve = try #require(genesis.allocations.last)
        let launch = genesis.allocations.dropLast().reduce(staked) { $0 + $1.amount }
        #expect(launch == .qlc(240_000_000) && team == .qlc(120_000_000) && reserve.amount == .qlc(240_000_000))
        let threeYears: UInt64 = 3 * 365 * 24 * Chain.hour + 24 * Chain.hour  // with a leap day
        #expect(genesis.vesting.allSatisfy { $0.start == genesis.time && $0.end - $0.start == threeYears })
        #expect(genesis.parameters == Parameters())
    }

    /// Delegate n signs with the seed of 32 bytes n; the purse with 32 bytes 0x10.
    @Test func theDevelopersNetRunsOnPublishedSeeds() throws {
        let genesis = try Self.load("devnet.json")
        let keys = [UInt8(1), 2, 3, 4, 16].map { PrivateKey(seed: Array(repeating: $0, count: 32))! }
        #expect(genesis.delegates.map(\.key) == keys.prefix(4).map(\.publicKey))
        #expect(genesis.allocations.contains { $0.key == keys[4].publicKey && $0.amount > .qlc(1_000_000) })
        var chain = try Chain(genesis, keys: keys)
        try chain.run(.transfer(Transfer(to: keys[0].publicKey, amount: .qlc(1))), by: 4)
        try chain.endEpoch()
    }

    @Test func aGenesisFileReadsBackAsWritten() throws {
        let genesis = try Chain([.seats: 7], vesting: [(5, 1_000)]).genesis
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let bytes = try encoder.encode(genesis)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains(#""fee_per_byte":10"#) && text.contains(#""amount":"1000.00000000""#))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        #expect(try decoder.decode(Genesis.self, from: bytes) == genesis)
        let misspelt = text.replacingOccurrences(of: "fee_per_byte", with: "fee_per_bite")
        #expect(throws: DecodingError.self) { try decoder.decode(Genesis.self, from: Data(misspelt.utf8)) }
    }
}
