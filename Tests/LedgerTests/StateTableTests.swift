import Consensus
import Primitives
import SimulatedHAL
import Testing

@testable import Ledger

@Suite struct StateTableTests {
    /// Entries come, change and go, as in a dictionary; copies that were made on the way stay what they were.
    @Test(arguments: 0..<20 as Range<UInt64>) func itIsADictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let ids = (0..<1_000).map { _ in random.digest() }
        var (table, plain) = (StateTable(), [StateKey: StateEntry]())
        var copies: [(table: StateTable, plain: [StateKey: StateEntry])] = []
        for round in 0..<6 {
            // Grows, and shrinks again.
            let removals = round < 3 ? 2 : 8
            for _ in 0..<700 {
                let key = StateKey(
                    [.account, .account, .asset, .content].randomElement(using: &random)!, ids.randomElement(using: &random)!)
                let entry = random.number(0...9) < removals ? nil : Self.entry(key.kind, &random)
                table.set(key, to: entry)
                plain[key] = entry
            }
            copies.append((table, plain))
        }
        for (round, copy) in copies.enumerated() {
            let place = "seed \(seed), round \(round)"
            #expect(copy.table.count == copy.plain.count, "\(place)")
            #expect(Self.gathered(copy.table) == copy.plain, "\(place)")
            for kind in [StateKey.Kind.account, .asset, .content, .channel] {
                #expect(Self.gathered(copy.table, kind) == copy.plain.filter { $0.key.kind == kind }, "\(place)")
            }
            for id in ids {
                for key in [StateKey(.account, id), StateKey(.asset, id), StateKey(.content, id), StateKey(.channel, id)] {
                    #expect(copy.table[key] == copy.plain[key], "\(place)")
                    #expect(copy.table.contains(key) == (copy.plain[key] != nil), "\(place)")
                }
            }
        }
    }

    @Test func anAccountThatHoldsNothingIsThere() {
        var table = StateTable()
        let key = StateKey(.account, .zero)
        table.set(key, to: .account(Account()))
        #expect(table[key] == .account(Account()) && table.count == 1)
        #expect(Self.gathered(table) == [key: .account(Account())])
        table.set(key, to: nil)
        #expect(table[key] == nil && table.count == 0 && Self.gathered(table).isEmpty)
    }

    private static func gathered(_ table: StateTable, _ kind: StateKey.Kind? = nil) -> [StateKey: StateEntry] {
        var found: [StateKey: StateEntry] = [:]
        table.walk(kind) { key, entry in
            #expect(found.updateValue(entry, forKey: key) == nil, "\(key) is handed over twice")
        }
        return found
    }

    private static func entry(_ kind: StateKey.Kind, _ random: inout SplitMix64) -> StateEntry {
        switch kind {
        case .account: return .account(Account(balance: QLC(units: UInt64(random.number(0...1_000_000)))))
        case .content:
            return .content(Content(of: PublicKey(raw: random.digest()), size: UInt64(random.number(0...99)), at: 1))
        default:
            var facts = AssetFacts()
            facts.endpoint = "192.0.2.1:\(random.number(1...65_535))"
            facts.ssid = Array("station \(random.number(0...9))".utf8)
            var asset = Asset(facts, of: PublicKey(raw: random.digest()), at: 7)
            if random.number(0...1) == 0 { asset.update(to: AssetFacts(), at: 8, confirmations: 6) }
            if random.number(0...3) == 0 { asset.retire(at: 20) }
            return .asset(asset)
        }
    }
}
