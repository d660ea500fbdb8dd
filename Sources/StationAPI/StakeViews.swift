public import Primitives

// What the station has staked, and what it earned: `basestation stake`, `basestation earnings`.

/// `GET /v1/stake`.
public struct StakeView: Codable, Hashable, Sendable {
    public struct Holding: Codable, Hashable, Sendable {
        public var delegate: String
        /// `standing`, `jailed` or `expelled`.
        public var delegateStatus: String
        /// It signs blocks now.
        public var elected: Bool
        /// Of the fees, in 1/10,000: the delegate's own before its stakers share the rest.
        public var commissionPermyriad: UInt16
        public var stakedQlc: QLC
        /// Paid into the balance with the next change of this stake.
        public var rewardsQlc: QLC
        public init(
            delegate: String, delegateStatus: String, elected: Bool, commissionPermyriad: UInt16, stakedQlc: QLC, rewardsQlc: QLC
        ) {
            (self.delegate, self.delegateStatus, self.elected) = (delegate, delegateStatus, elected)
            (self.commissionPermyriad, self.stakedQlc, self.rewardsQlc) = (commissionPermyriad, stakedQlc, rewardsQlc)
        }
    }

    public struct Returning: Codable, Hashable, Sendable {
        public var delegate: String
        public var amountQlc: QLC
        /// It is in the balance when the epoch after that ends.
        public var releasedAt: WallTime
        public init(delegate: String, amountQlc: QLC, releasedAt: WallTime) {
            (self.delegate, self.amountQlc, self.releasedAt) = (delegate, amountQlc, releasedAt)
        }
    }

    /// What becomes of rewards by itself.
    public struct Restaking: Codable, Hashable, Sendable {
        public var percent: UInt64
        public var keepQlc: QLC
        public var leastQlc: QLC
        /// To the stake, of rewards that are in the balance already.
        public var owedQlc: QLC
        public init(percent: UInt64, keepQlc: QLC, leastQlc: QLC, owedQlc: QLC) {
            (self.percent, self.keepQlc, self.leastQlc, self.owedQlc) = (percent, keepQlc, leastQlc, owedQlc)
        }
    }

    /// With whom the next stake goes; nil: somebody has to be chosen first.
    @OrNull public var delegate: String?
    public var stakes: [Holding]
    public var returning: [Returning]
    /// Nil: off.
    @OrNull public var restaking: Restaking?
    public var balanceQlc: QLC
    public var promisedQlc: QLC
    /// What a stake leaves in the account unless `keep_qlc` says otherwise.
    public var reserveQlc: QLC
    /// Of staking once, or of taking stake back.
    public var feeQlc: QLC
    public var syncing: Bool

    public init(
        delegate: String?, stakes: [Holding], returning: [Returning], restaking: Restaking?, balanceQlc: QLC, promisedQlc: QLC,
        reserveQlc: QLC, feeQlc: QLC, syncing: Bool
    ) {
        (self.delegate, self.stakes, self.returning, self.restaking) = (delegate, stakes, returning, restaking)
        (self.balanceQlc, self.promisedQlc, self.reserveQlc) = (balanceQlc, promisedQlc, reserveQlc)
        (self.feeQlc, self.syncing) = (feeQlc, syncing)
    }

    /// The most that can be staked if so much is to stay.
    public func stakeable(keeping keep: QLC) -> QLC { balanceQlc - promisedQlc - feeQlc - keep }
}

/// `PUT /v1/stake/orders/{id}`.
public struct StakeRequest: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Hashable, Sendable { case stake, unstake }

    public var kind: Kind
    /// Of `unstake`, left out: all.
    public var amountQlc: QLC?
    /// Of `stake`: what is to be left in the account; its `reserve_qlc` if left out.
    public var keepQlc: QLC?
    /// Of `unstake`: the delegate's address, where the stake is with several.
    public var from: String?

    public init(_ kind: Kind, amountQlc: QLC?, keepQlc: QLC? = nil, from: String? = nil) {
        (self.kind, self.amountQlc, self.keepQlc, self.from) = (kind, amountQlc, keepQlc, from)
    }

    /// A mistyped field would move money otherwise than it was meant.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: ["kind", "amountQlc", "keepQlc", "from"])
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        kind = try fields.decode(Kind.self, forKey: .kind)
        amountQlc = try fields.decodeIfPresent(QLC.self, forKey: .amountQlc)
        keepQlc = try fields.decodeIfPresent(QLC.self, forKey: .keepQlc)
        from = try fields.decodeIfPresent(String.self, forKey: .from)
        let isMeant = kind == .stake ? amountQlc != nil && from == nil : keepQlc == nil
        guard isMeant, from?.utf8.count ?? 0 <= WithdrawalRequest.addressLimit else {
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: fields,
                debugDescription: "\"stake\" has amount_qlc and perhaps keep_qlc; \"unstake\" perhaps amount_qlc and from")
        }
    }
}

/// `PUT /v1/stake/delegate`.
public struct DelegateChoice: Codable, Hashable, Sendable {
    /// null: nobody.
    @OrNull public var delegate: String?

    public init(delegate: String?) { self.delegate = delegate }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: ["delegate"])
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        guard fields.contains(.delegate) else {
            throw DecodingError.dataCorruptedError(
                forKey: .delegate, in: fields, debugDescription: "name a delegate, or write null for nobody")
        }
        delegate = try fields.decodeIfPresent(String.self, forKey: .delegate)
        guard delegate?.utf8.count ?? 0 <= WithdrawalRequest.addressLimit else {
            throw DecodingError.dataCorruptedError(
                forKey: .delegate, in: fields, debugDescription: "an address is shorter than that")
        }
    }
}

/// `GET /v1/earnings`.
public struct EarningsView: Codable, Hashable, Sendable {
    /// Days are UTC; `since_qlc` is null unless a time was named.
    public struct Earned: Codable, Hashable, Sendable {
        public var todayQlc: QLC
        /// Today and the six days before.
        public var sevenDaysQlc: QLC
        public var totalQlc: QLC
        @OrNull public var sinceQlc: QLC?
        public init(todayQlc: QLC, sevenDaysQlc: QLC, totalQlc: QLC, sinceQlc: QLC?) {
            (self.todayQlc, self.sevenDaysQlc) = (todayQlc, sevenDaysQlc)
            (self.totalQlc, self.sinceQlc) = (totalQlc, sinceQlc)
        }
    }

    /// From a mining pool.
    public struct Mining: Codable, Hashable, Sendable {
        public var poolBalanceQlc: QLC
        public var poolPaidQlc: QLC
        public var shares: UInt64
        public init(poolBalanceQlc: QLC, poolPaidQlc: QLC, shares: UInt64) {
            (self.poolBalanceQlc, self.poolPaidQlc, self.shares) = (poolBalanceQlc, poolPaidQlc, shares)
        }
    }

    @OrNull public var since: WallTime?
    /// Charged to clients, by ended sessions at their end and by open ones now.
    public var clients: Earned
    /// By the station's stake, paid out or not, since the station keeps count; whole days. nil: there is no chain node.
    @OrNull public var stake: Earned?
    /// Of it not paid out yet.
    @OrNull public var stakeUnclaimedQlc: QLC?
    /// nil: the station mines in no pool.
    @OrNull public var mining: Mining?

    public init(since: WallTime?, clients: Earned, stake: Earned?, stakeUnclaimedQlc: QLC?, mining: Mining?) {
        (self.since, self.clients, self.stake) = (since, clients, stake)
        (self.stakeUnclaimedQlc, self.mining) = (stakeUnclaimedQlc, mining)
    }
}
