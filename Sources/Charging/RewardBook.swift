public import Primitives

/// With whom the owner stakes.
public enum StakeChoice: Hashable, Sendable, Codable {
    /// The one that has the station's stake already, if there is one.
    case unsaid
    case nobody
    case delegate(PublicKey)
}

/// What one delegation stood at.
public struct StakeHolding: Hashable, Sendable, Codable {
    public var delegate: PublicKey
    public var shares: UInt64
    /// Earned and not paid out.
    public var unclaimed: QLC
    /// The delegate's index at the last payment: another one now means that there was a payment.
    public var paidIndex: UInt64

    public init(delegate: PublicKey, shares: UInt64, unclaimed: QLC, paidIndex: UInt64) {
        (self.delegate, self.shares, self.unclaimed, self.paidIndex) = (delegate, shares, unclaimed, paidIndex)
    }
}

/// What the station's stake earned, found by comparing: what each delegation stood at, and stands at.
///
/// The ledger says what is earned and not paid out, and pays it into the balance with the next change of the stake. The book notes the
/// payments, so that each is restaked once; it is written with the orders, in one commit.
public struct RewardBook: Hashable, Sendable, Codable {
    public var chainID: Bytes32
    /// By delegate.
    public var holdings: [StakeHolding] = []
    /// To the stake, of rewards that were paid out.
    public var owed = QLC.zero
    /// Of orders that the policy gave: names the next one.
    public var number: UInt64 = 0
    /// The order that is open, or whose end is not noted here.
    public var underway: OwnerOrder.ID?
    /// The ledger's time, in milliseconds; before it nothing is tried again.
    public var notBefore: UInt64 = 0

    public init(on chainID: Bytes32) { self.chainID = chainID }

    public var unclaimed: QLC { holdings.reduce(QLC.zero) { $0 + $1.unclaimed } }

    /// Compares.
    /// - Parameters:
    ///   - paid: what was paid out on a delegation since it stood at that; asked where the ledger shows that there was a payment.
    /// - Returns: what was earned since the last time, paid out or not.
    public mutating func note(
        _ now: [StakeHolding], policy: RestakePolicy, paid: (StakeHolding) -> QLC
    ) -> QLC {
        var (came, claimed) = (QLC.zero, QLC.zero)
        for holding in now where !holdings.contains(where: { $0.delegate == holding.delegate }) { came += holding.unclaimed }
        for before in holdings {
            let after = now.first { $0.delegate == before.delegate }
            if let after, after.paidIndex == before.paidIndex, after.shares == before.shares {
                came += after.unclaimed - before.unclaimed
                continue
            }
            let payment = paid(before)
            claimed += payment
            came += payment - before.unclaimed + (after?.unclaimed ?? .zero)
        }
        holdings = now
        owed = policy.isOn ? owed + policy.share(of: claimed) : .zero
        return came
    }

    /// What became of the order that is under way.
    public mutating func close(_ order: OwnerOrder, at time: UInt64) {
        guard order.id == underway, !order.isOpen else { return }
        underway = nil
        switch order.state {
        // What may be staked is not staked again: at worst it stays liquid.
        case .done, .unknown: owed = owed - order.amount
        case .refused where order.height == nil: break
        default: notBefore = time.saturatingAdd(RestakePolicy.pause)
        }
    }
}
