public import Primitives

/// The name of an asset: hash of its first registration.
public typealias AssetID = Bytes32

/// Where something stands in the ledger's state.
public struct StateKey: Hashable, Comparable, Sendable, Canonical {
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case account = 1
        case delegate, delegation, unbonding, vesting
        case asset, tariff, channel, content, usage
        case parameters, funds, epoch, attendance, proposal
    }

    public var kind: Kind
    public var id: Bytes32

    public init(_ kind: Kind, _ id: Bytes32) { (self.kind, self.id) = (kind, id) }
    public init() { self.init(.account, .zero) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.choice(&kind)
        try coder.nested(&id)
    }

    public static func < (left: StateKey, right: StateKey) -> Bool {
        (left.kind.rawValue, left.id) < (right.kind.rawValue, right.id)
    }

    /// Where it stands in the tree.
    public var path: Bytes32 { Self.pathTags[Int(kind.rawValue)].digest(of: id) }

    /// For who does not know the kinds.
    public static func path(kind: UInt8, id: Bytes32) -> Bytes32 { pathTag.digest([kind] + id.bytes) }

    private static let pathTag = TaggedHash.Tag("qlink/state-key")
    /// By kind, whose byte is the first of a key's encoding.
    private static let pathTags = (0...Kind.allCases.map(\.rawValue).max()!).map { TaggedHash.Tag("qlink/state-key", and: [$0]) }
}

extension StateKey {
    public static func account(_ key: PublicKey) -> StateKey { StateKey(.account, key.raw) }
    public static func delegate(_ key: PublicKey) -> StateKey { StateKey(.delegate, key.raw) }
    public static func delegation(of staker: PublicKey, with delegate: PublicKey) -> StateKey {
        StateKey(.delegation, TaggedHash.digest(tag: "qlink/delegation", staker.raw.bytes + delegate.raw.bytes))
    }
    /// A staker's stake on its way back, by the place it takes among those of the same staker.
    public static func unbonding(of staker: PublicKey, _ place: UInt64) -> StateKey {
        StateKey(.unbonding, TaggedHash.digest(tag: "qlink/unbonding", Mention(staker, place).canonicalBytes))
    }
    public static func asset(_ id: AssetID) -> StateKey { StateKey(.asset, id) }
    public static func tariff(_ digest: Bytes32) -> StateKey { StateKey(.tariff, digest) }
    public static func channel(_ id: Bytes32) -> StateKey { StateKey(.channel, id) }
    public static func content(_ hash: Bytes32) -> StateKey { StateKey(.content, hash) }
    public static func usage(of asset: AssetID) -> StateKey { StateKey(.usage, asset) }
    public static func proposal(_ parameter: Parameters.Name, _ value: UInt64) -> StateKey {
        let name = [parameter.rawValue] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return StateKey(.proposal, TaggedHash.digest(tag: "qlink/proposal-of-parameter", name))
    }
    public static let parameters = StateKey(.parameters, .zero)
    public static let funds = StateKey(.funds, .zero)
    public static let epoch = StateKey(.epoch, .zero)
    public static let attendance = StateKey(.attendance, .zero)
}
