public import Primitives

/// What an operator promises to those who mine at the pool.
public struct PoolTerms: Hashable, Sendable {
    /// Piconero in one XMR.
    public static let piconero: UInt64 = 1_000_000_000_000
    public static let permyriad: UInt64 = 10_000

    /// Of each block, ten-thousandths; the rest is the members'.
    public var feePermyriad: UInt64 = 100
    /// How much of the latest work shares in a block: so many times the block's difficulty (PPLNS: "pay per last N shares").
    public var window: UInt64 = 2
    /// What one XMR is worth here, for the members are paid in QLC.
    public var qlcPerXMR: QLC
    /// Blocks on top of one before its reward is owed: Monero's own unlock time (`CRYPTONOTE_MINED_MONEY_UNLOCK_WINDOW`).
    public var confirmations: UInt64 = 60
    /// Less waits for more.
    public var leastPayout = QLC(units: 10 * QLC.unitsPerQLC)

    public init(qlcPerXMR: QLC) { self.qlcPerXMR = qlcPerXMR }

    /// What a block's reward is worth, rounded down; never more than there is.
    /// - Parameter reward: piconero
    public func worth(of reward: UInt64) -> QLC {
        let units = UInt128(reward) * UInt128(qlcPerXMR.units) / UInt128(Self.piconero)
        return min(QLC(units: UInt64(clamping: units)), .supply)
    }

    /// The operator's part, rounded down.
    public func fee(of gross: QLC) -> QLC {
        QLC(units: UInt64(UInt128(gross.units) * UInt128(min(feePermyriad, Self.permyriad)) / UInt128(Self.permyriad)))
    }

    /// How much work shares in a block of this difficulty.
    public func windowWork(_ difficulty: UInt128) -> UInt64 {
        let (work, overflow) = difficulty.multipliedReportingOverflow(by: UInt128(window))
        return overflow ? .max : max(1, UInt64(clamping: work))
    }
}
