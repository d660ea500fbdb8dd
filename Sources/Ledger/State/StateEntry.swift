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
        if coder.isReading { self = Self(blank: kind) }
        switch self {
        case .account(let body): try visit(body, &coder, Self.account)
        case .delegate(let body): try visit(body, &coder, Self.delegate)
        case .delegation(let body): try visit(body, &coder, Self.delegation)
        case .unbonding(let body): try visit(body, &coder, Self.unbonding)
        case .vesting(let body): try visit(body, &coder, Self.vesting)
        case .asset(let body): try visit(body, &coder, Self.asset)
        case .tariff(let body): try visit(body, &coder, Self.tariff)
        case .channel(let body): try visit(body, &coder, Self.channel)
        case .content(let body): try visit(body, &coder, Self.content)
        case .usage(let body): try visit(body, &coder, Self.usage)
        case .parameters(let body): try visit(body, &coder, Self.parameters)
        case .funds(let body): try visit(body, &coder, Self.funds)
        case .epoch(let body): try visit(body, &coder, Self.epoch)
        case .attendance(let body): try visit(body, &coder, Self.attendance)
        case .proposal(let body): try visit(body, &coder, Self.proposal)
        }
    }

    private mutating func visit<Body: Canonical>(
        _ body: Body, _ coder: inout some CanonicalCoder, _ wrap: (Body) -> Self
    ) throws(CanonicalError) {
        var body = body
        try coder.nested(&body)
        if coder.isReading { self = wrap(body) }
    }

    private init(blank kind: StateKey.Kind) {
        self =
            switch kind {
            case .account: .account(Account())
            case .delegate: .delegate(DelegateRecord())
            case .delegation: .delegation(Delegation())
            case .unbonding: .unbonding(Unbonding())
            case .vesting: .vesting(Vesting())
            case .asset: .asset(Asset())
            case .tariff: .tariff(PublishedTariff())
            case .channel: .channel(ChannelRecord())
            case .content: .content(Content())
            case .usage: .usage(UsageCommitments())
            case .parameters: .parameters(Parameters())
            case .funds: .funds(Funds())
            case .epoch: .epoch(Epoch())
            case .attendance: .attendance(Attendance())
            case .proposal: .proposal(ParameterProposal())
            }
    }
}
