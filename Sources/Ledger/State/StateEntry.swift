public import Primitives

/// What the ledger remembers under one key. Large kinds live in a box, so that an account takes 17 bytes.
public enum StateEntry: Hashable, Sendable {
    case account(Account)
    indirect case delegate(DelegateRecord)
    indirect case delegation(Delegation)
    indirect case unbonding(Unbonding)
    indirect case vesting(Vesting)
    indirect case asset(Asset)
    indirect case tariff(PublishedTariff)
    indirect case channel(ChannelRecord)
    indirect case content(Content)
    indirect case usage(UsageCommitments)
    indirect case parameters(Parameters)
    indirect case funds(Funds)
    indirect case epoch(Epoch)
    indirect case attendance(Attendance)
    indirect case proposal(ParameterProposal)

    public var kind: StateKey.Kind {
        switch self {
        case .account: .account
        case .delegate: .delegate
        case .delegation: .delegation
        case .unbonding: .unbonding
        case .vesting: .vesting
        case .asset: .asset
        case .tariff: .tariff
        case .channel: .channel
        case .content: .content
        case .usage: .usage
        case .parameters: .parameters
        case .funds: .funds
        case .epoch: .epoch
        case .attendance: .attendance
        case .proposal: .proposal
        }
    }

    /// The QLC that lies here. All entries together hold the supply.
    public var amount: QLC {
        switch self {
        case .account(let account): account.balance
        case .delegate(let delegate): delegate.stake
        case .unbonding(let unbonding): unbonding.amount
        case .vesting(let vesting): vesting.left
        case .channel(let channel): channel.left
        case .funds(let funds): funds.fees + funds.rewards + funds.locked
        default: .zero
        }
    }

    /// The tree's leaf at its key's path.
    public var hash: Bytes32 { Self.valueTag.digest(canonicalBytes) }

    private static let valueTag = TaggedHash.Tag("qlink/state-value")
}

extension StateEntry: Canonical {
    public init() { self = .account(Account()) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var kind = kind
        try coder.choice(&kind)
        switch kind {
        case .account: try visit(&coder, Self.account)
        case .delegate: try visit(&coder, Self.delegate)
        case .delegation: try visit(&coder, Self.delegation)
        case .unbonding: try visit(&coder, Self.unbonding)
        case .vesting: try visit(&coder, Self.vesting)
        case .asset: try visit(&coder, Self.asset)
        case .tariff: try visit(&coder, Self.tariff)
        case .channel: try visit(&coder, Self.channel)
        case .content: try visit(&coder, Self.content)
        case .usage: try visit(&coder, Self.usage)
        case .parameters: try visit(&coder, Self.parameters)
        case .funds: try visit(&coder, Self.funds)
        case .epoch: try visit(&coder, Self.epoch)
        case .attendance: try visit(&coder, Self.attendance)
        case .proposal: try visit(&coder, Self.proposal)
        }
    }

    private mutating func visit<Body: Canonical>(
        _ coder: inout some CanonicalCoder, _ wrap: (Body) -> StateEntry
    ) throws(CanonicalError) {
        var body = coder.isReading ? Body() : self.body as? Body ?? Body()
        try coder.nested(&body)
        self = wrap(body)
    }

    private var body: any Canonical {
        switch self {
        case .account(let body): body
        case .delegate(let body): body
        case .delegation(let body): body
        case .unbonding(let body): body
        case .vesting(let body): body
        case .asset(let body): body
        case .tariff(let body): body
        case .channel(let body): body
        case .content(let body): body
        case .usage(let body): body
        case .parameters(let body): body
        case .funds(let body): body
        case .epoch(let body): body
        case .attendance(let body): body
        case .proposal(let body): body
        }
    }
}
