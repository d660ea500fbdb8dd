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

    private var body: any Canonical {
        switch self {
        case .transfer(let body): body
        case .stake(let body): body
        case .unstake(let body): body
        case .registerDelegate(let body): body
        case .reportEvidence(let body): body
        case .vote(let body): body
        case .registerAsset(let body): body
        case .updateAsset(let body): body
        case .retireAsset(let body): body
        case .publishTariff(let body): body
        case .openChannel(let body): body
        case .topUpChannel(let body): body
        case .settleChannels(let body): body
        case .closeChannel(let body): body
        case .raiseVoucher(let body): body
        case .registerContent(let body): body
        case .commitUsage(let body): body
        }
    }
}

extension Payload: Canonical {
    public init() { self = .transfer(Transfer()) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var kind = kind
        try coder.choice(&kind)
        switch kind {
        case .transfer: try visit(&coder, Self.transfer)
        case .stake: try visit(&coder, Self.stake)
        case .unstake: try visit(&coder, Self.unstake)
        case .registerDelegate: try visit(&coder, Self.registerDelegate)
        case .reportEvidence: try visit(&coder, Self.reportEvidence)
        case .vote: try visit(&coder, Self.vote)
        case .registerAsset: try visit(&coder, Self.registerAsset)
        case .updateAsset: try visit(&coder, Self.updateAsset)
        case .retireAsset: try visit(&coder, Self.retireAsset)
        case .publishTariff: try visit(&coder, Self.publishTariff)
        case .openChannel: try visit(&coder, Self.openChannel)
        case .topUpChannel: try visit(&coder, Self.topUpChannel)
        case .settleChannels: try visit(&coder, Self.settleChannels)
        case .closeChannel: try visit(&coder, Self.closeChannel)
        case .raiseVoucher: try visit(&coder, Self.raiseVoucher)
        case .registerContent: try visit(&coder, Self.registerContent)
        case .commitUsage: try visit(&coder, Self.commitUsage)
        }
    }

    private mutating func visit<Body: Canonical>(
        _ coder: inout some CanonicalCoder, _ wrap: (Body) -> Payload
    ) throws(CanonicalError) {
        var body = coder.isReading ? Body() : self.body as? Body ?? Body()
        try coder.nested(&body)
        self = wrap(body)
    }
}
