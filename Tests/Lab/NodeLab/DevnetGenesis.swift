import Foundation
public import Ledger
public import Primitives

extension Genesis {
    /// A chain that began a minute ago: the first keys are delegates with a million QLC of stake each, the others have a thousand QLC.
    public static func devnet(_ keys: [PrivateKey], delegates: Int) -> Genesis {
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let purse = QLC(units: 1_000 * QLC.unitsPerQLC)
        let others = keys.dropFirst(delegates)
        let left = QLC.supply.units - UInt64(delegates) * stake.units - UInt64(others.count) * purse.units
        return Genesis(
            name: "devnet", time: UInt64(Date().timeIntervalSince1970 * 1_000) - 60_000,
            allocations: [.init(keys[0].publicKey, QLC(units: left))] + others.map { .init($0.publicKey, purse) },
            delegates: keys.prefix(delegates).map { .init($0.publicKey, stake: stake) })
    }
}
