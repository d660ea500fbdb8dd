import Consensus
public import Primitives

/// Assets, tariffs, content and usage.
extension Draft {
    mutating func run(_ registration: RegisterAsset, by sender: PublicKey, _ sequence: UInt64) throws(Refusal) {
        let id = registration.identity(of: sender, sequence)
        self[.asset(id)] = .asset(Asset(registration.facts, of: sender, at: height))
    }

    mutating func run(_ update: UpdateAsset, by sender: PublicKey) throws(Refusal) {
        var asset = try asset(update.asset, of: sender)
        asset.update(to: update.facts, at: height, confirmations: parameters[.assetConfirmations])
        self[.asset(update.asset)] = .asset(asset)
    }

    mutating func run(_ retirement: RetireAsset, by sender: PublicKey) throws(Refusal) {
        var asset = try asset(retirement.asset, of: sender)
        asset.retire(at: height)
        self[.asset(retirement.asset)] = .asset(asset)
    }

    mutating func run(_ publication: PublishTariff, by sender: PublicKey) throws(Refusal) {
        let key = StateKey.tariff(publication.digest)
        guard self[key] == nil else { throw .tariffKnown }
        self[key] = .tariff(PublishedTariff(publication.tariff, by: sender))
    }

    mutating func run(_ registration: RegisterContent, by sender: PublicKey) throws(Refusal) {
        let key = StateKey.content(registration.hash)
        guard self[key] == nil else { throw .contentKnown }
        self[key] = .content(Content(of: sender, size: registration.size, at: height))
    }

    mutating func run(_ usage: CommitUsage, by sender: PublicKey) throws(Refusal) {
        _ = try asset(usage.asset, of: sender)
        var commitments = UsageCommitments()
        if case .usage(let known)? = self[.usage(of: usage.asset)] { commitments = known }
        var commitment = UsageCommitments.Commitment()
        (commitment.height, commitment.usageRoot, commitment.records) = (height, usage.usageRoot, usage.records)
        commitment.visitRoot = usage.visitRoot
        commitments.add(commitment, keeping: Int(parameters[.usageKept]))
        self[.usage(of: usage.asset)] = .usage(commitments)
    }

    private func asset(_ id: AssetID, of sender: PublicKey) throws(Refusal) -> Asset {
        guard case .asset(let asset)? = self[.asset(id)] else { throw .noSuchAsset }
        guard asset.owner == sender else { throw .notTheOwner }
        guard !asset.isRetired else { throw .assetRetired }
        return asset
    }
}

extension RegisterAsset {
    /// The digital identity [ASSET-1]: of these facts, this owner, and the owner's transaction, so that no two are alike.
    public func identity(of owner: PublicKey, _ sequence: UInt64) -> AssetID {
        TaggedHash.digest(tag: "qlink/asset", Mention(owner, sequence).canonicalBytes + canonicalBytes)
    }
}
