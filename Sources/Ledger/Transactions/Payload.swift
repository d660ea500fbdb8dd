public import Consensus
public import Primitives

/// What a transaction does (chain.md, "Transactions"). Each kind is described in a file of its own beside what it comes to.
public enum Payload: Hashable, Sendable {
    case transfer(Transfer)
    case stake(Stake)
    case unstake(Unstake)
    case registerDelegate(RegisterDelegate)
    case reportEvidence(DoubleVote)
    case vote(ParameterVote)
    case registerAsset(RegisterAsset)
    case updateAsset(UpdateAsset)
    case retireAsset(RetireAsset)
    case publishTariff(PublishTariff)
    case openChannel(OpenChannel)
    case topUpChannel(TopUpChannel)
    case settleChannels(SettleChannels)
    case closeChannel(CloseChannel)
    case raiseVoucher(RaiseVoucher)
    case registerContent(RegisterContent)
    case commitUsage(CommitUsage)

    /// The tag on the wire, and the name in words.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable, Codable {
        case transfer = 1
        case stake, unstake, registerDelegate, reportEvidence, vote
        case registerAsset, updateAsset, retireAsset, publishTariff
        case openChannel, topUpChannel, settleChannels, closeChannel, raiseVoucher
        case registerContent, commitUsage

        /// A fifth of a block is kept for these, so that spam cannot delay them.
        public var isUrgent: Bool {
            switch self {
            case .settleChannels, .closeChannel, .raiseVoucher, .reportEvidence, .registerAsset, .updateAsset, .retireAsset: true
            default: false
            }
        }
    }

    public var kind: Kind {
        switch self {
        case .transfer: .transfer
        case .stake: .stake
        case .unstake: .unstake
        case .registerDelegate: .registerDelegate
        case .reportEvidence: .reportEvidence
        case .vote: .vote
        case .registerAsset: .registerAsset
        case .updateAsset: .updateAsset
        case .retireAsset: .retireAsset
        case .publishTariff: .publishTariff
        case .openChannel: .openChannel
        case .topUpChannel: .topUpChannel
        case .settleChannels: .settleChannels
        case .closeChannel: .closeChannel
        case .raiseVoucher: .raiseVoucher
        case .registerContent: .registerContent
        case .commitUsage: .commitUsage
        }
    }
}

extension Payload: Canonical {
    public init() { self = .transfer(Transfer()) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var kind = kind
        try coder.choice(&kind)
        if coder.isReading { self = Self(blank: kind) }
        switch self {
        case .transfer(let body): try visit(body, &coder, Self.transfer)
        case .stake(let body): try visit(body, &coder, Self.stake)
        case .unstake(let body): try visit(body, &coder, Self.unstake)
        case .registerDelegate(let body): try visit(body, &coder, Self.registerDelegate)
        case .reportEvidence(let body): try visit(body, &coder, Self.reportEvidence)
        case .vote(let body): try visit(body, &coder, Self.vote)
        case .registerAsset(let body): try visit(body, &coder, Self.registerAsset)
        case .updateAsset(let body): try visit(body, &coder, Self.updateAsset)
        case .retireAsset(let body): try visit(body, &coder, Self.retireAsset)
        case .publishTariff(let body): try visit(body, &coder, Self.publishTariff)
        case .openChannel(let body): try visit(body, &coder, Self.openChannel)
        case .topUpChannel(let body): try visit(body, &coder, Self.topUpChannel)
        case .settleChannels(let body): try visit(body, &coder, Self.settleChannels)
        case .closeChannel(let body): try visit(body, &coder, Self.closeChannel)
        case .raiseVoucher(let body): try visit(body, &coder, Self.raiseVoucher)
        case .registerContent(let body): try visit(body, &coder, Self.registerContent)
        case .commitUsage(let body): try visit(body, &coder, Self.commitUsage)
        }
    }

    private mutating func visit<Body: Canonical>(
        _ body: Body, _ coder: inout some CanonicalCoder, _ wrap: (Body) -> Self
    ) throws(CanonicalError) {
        var body = body
        try coder.nested(&body)
        if coder.isReading { self = wrap(body) }
    }

    private init(blank kind: Kind) {
        self =
            switch kind {
            case .transfer: .transfer(Transfer())
            case .stake: .stake(Stake())
            case .unstake: .unstake(Unstake())
            case .registerDelegate: .registerDelegate(RegisterDelegate())
            case .reportEvidence: .reportEvidence(DoubleVote())
            case .vote: .vote(ParameterVote())
            case .registerAsset: .registerAsset(RegisterAsset())
            case .updateAsset: .updateAsset(UpdateAsset())
            case .retireAsset: .retireAsset(RetireAsset())
            case .publishTariff: .publishTariff(PublishTariff())
            case .openChannel: .openChannel(OpenChannel())
            case .topUpChannel: .topUpChannel(TopUpChannel())
            case .settleChannels: .settleChannels(SettleChannels())
            case .closeChannel: .closeChannel(CloseChannel())
            case .raiseVoucher: .raiseVoucher(RaiseVoucher())
            case .registerContent: .registerContent(RegisterContent())
            case .commitUsage: .commitUsage(CommitUsage())
            }
    }
}
