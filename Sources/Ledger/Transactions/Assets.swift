public import Primitives

/// What everybody may know of a telecom asset [ASSET-2]. A password never stands here.
public struct AssetFacts: Hashable, Sendable, Canonical {
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case hotspot = 1
        case baseStation
        case cell
    }

    public static let ssidLimit = 32
    public static let geohashLimit = 12
    public static let endpointLimit = 64
    public static let proofLimit = 4_096

    public var kind = Kind.hotspot
    /// Base 32, up to 12 characters: 9 tell a place within 5 m.
    public var geohash = ""
    /// Where it is reached, `192.0.2.1:2050`; empty when it is behind somebody else's address.
    public var endpoint = ""
    public var bssid: UInt64 = 0
    public var ssid: [UInt8] = []
    /// Of the last speed test, bits a second.
    public var downlink: UInt64 = 0
    public var uplink: UInt64 = 0
    public var configuration = Bytes32.zero
    /// Digest of a published tariff.
    public var tariff = Bytes32.zero
    /// Of the registration on the public chain; empty until the bridge exists.
    public var publicChainProof: [UInt8] = []

    public init() {}

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.choice(&kind)
        try coder.text(&geohash, limit: Self.geohashLimit)
        try coder.text(&endpoint, limit: Self.endpointLimit)
        try coder.integer(&bssid)
        try coder.bytes(&ssid, limit: Self.ssidLimit)
        try coder.integer(&downlink)
        try coder.integer(&uplink)
        try coder.nested(&configuration)
        try coder.nested(&tariff)
        try coder.bytes(&publicChainProof, limit: Self.proofLimit)
        guard geohash.utf8.allSatisfy(Self.geohashDigits.contains) else {
            throw .invalid("\"\(geohash)\" is not a geohash")
        }
        guard bssid >> 48 == 0 else { throw .invalid("a BSSID has 48 bits") }
    }

    private static let geohashDigits = Set("0123456789bcdefghjkmnpqrstuvwxyz".utf8)
}

/// A new asset of the sender. Its identity is the hash of this registration, and never changes [ASSET-1].
public struct RegisterAsset: Hashable, Sendable, Canonical {
    public var facts: AssetFacts

    public init(_ facts: AssetFacts) { self.facts = facts }
    public init() { self.init(AssetFacts()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.nested(&facts) }
}

/// Other facts of the same asset. They are pending until their confirmations are in [ASSET-3].
public struct UpdateAsset: Hashable, Sendable, Canonical {
    public var asset: AssetID
    public var facts: AssetFacts

    public init(_ asset: AssetID, to facts: AssetFacts) { (self.asset, self.facts) = (asset, facts) }
    public init() { self.init(.zero, to: AssetFacts()) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&asset)
        try coder.nested(&facts)
    }
}

/// The asset serves no more. Its identity is not used again.
public struct RetireAsset: Hashable, Sendable, Canonical {
    public var asset: AssetID

    public init(_ asset: AssetID) { self.asset = asset }
    public init() { self.init(.zero) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.nested(&asset) }
}

/// A tariff in its canonical form, for all to read; its name is its digest.
public struct PublishTariff: Hashable, Sendable, Canonical {
    public static let limit = 4_096

    public var tariff: [UInt8]

    public init(_ tariff: [UInt8]) { self.tariff = tariff }
    public init() { self.init([]) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.bytes(&tariff, limit: Self.limit)
    }

    public var digest: Bytes32 { TaggedHash.digest(tag: "qlink/tariff", tariff) }
}

/// The fingerprint of content [CONT-1]: who registers a hash first owns it.
public struct RegisterContent: Hashable, Sendable, Canonical {
    public var hash: Bytes32
    public var size: UInt64

    public init(hash: Bytes32, size: UInt64) { (self.hash, self.size) = (hash, size) }
    public init() { self.init(hash: .zero, size: 0) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&hash)
        try coder.integer(&size)
    }
}

/// What an asset delivered: roots that single records can be proved against, and visit records that only their buyers can read [CONT-5].
public struct CommitUsage: Hashable, Sendable, Canonical {
    public static let visitLimit = 64
    public static let visitSizeLimit = 1_024

    public var asset: AssetID
    /// RFC 6962, over usage records.
    public var usageRoot: Bytes32
    public var records: UInt32
    /// Each sealed to its buyer's key (RFC 9180); anybody stores them, one can open each.
    public var visits: [SealedVisit]

    public init(asset: AssetID, usageRoot: Bytes32, records: UInt32, visits: [SealedVisit]) {
        (self.asset, self.usageRoot, self.records, self.visits) = (asset, usageRoot, records, visits)
    }

    public init() { self.init(asset: .zero, usageRoot: .zero, records: 0, visits: []) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&asset)
        try coder.nested(&usageRoot)
        try coder.integer(&records)
        try coder.array(&visits, limit: Self.visitLimit)
    }

    /// RFC 6962, over the sealed visits.
    public var visitRoot: Bytes32 { MerkleTree.root(visits.map(\.bytes)) }
}

public struct SealedVisit: Hashable, Sendable, Canonical {
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public init() { self.init([]) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.bytes(&bytes, limit: CommitUsage.visitSizeLimit)
    }
}
