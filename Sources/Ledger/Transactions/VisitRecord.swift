public import Charging
public import Primitives

/// What a buyer can read on the chain of one visit, and nobody else: the usage record without what is of no use to the buyer.
///
/// ```
///  usage record ─▶ visit record ─▶ HPKE, for the visit key of the acceptance ─▶ SealedVisit in the station's CommitUsage
/// ```
///
/// It has no signature of its own: the transaction that carries it is signed by the asset's owner, and it opens beside that asset alone.
public struct VisitRecord: Hashable, Sendable {
    static let version: UInt8 = 1

    public var asset: AssetID
    /// Whose asset it is.
    public var station: StationID
    public var session: SessionID
    /// By the station's clock, for people.
    public var startedAt: WallTime
    public var endedAt: WallTime
    public var seconds: UInt64
    public var bytesUp: UInt64
    public var bytesDown: UInt64
    public var charge: QLC
    public var tariffID: String

    public init(of record: UsageRecord, at asset: AssetID) {
        (self.asset, station, session, tariffID) = (asset, record.station, record.session, record.tariffID)
        (startedAt, endedAt, seconds) = (record.startedAt, record.endedAt, record.seconds)
        (bytesUp, bytesDown, charge) = (record.bytesUp, record.bytesDown, record.charge)
    }
}

extension VisitRecord: Canonical {
    public init() { self.init(of: UsageRecord(), at: .zero) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var version = Self.version
        try coder.integer(&version)
        guard version == Self.version else { throw .invalid("a visit record of version \(version)") }
        try coder.nested(&asset)
        try coder.nested(&station)
        // 128 bits, little-endian.
        var (low, high) = (session.low, session.high)
        try coder.integer(&low)
        try coder.integer(&high)
        session = SessionID(high: high, low: low)
        try coder.integer(&startedAt.secondsSince1970)
        try coder.integer(&endedAt.secondsSince1970)
        try coder.integer(&seconds)
        try coder.integer(&bytesUp)
        try coder.integer(&bytesDown)
        try coder.nested(&charge)
        try coder.text(&tariffID, limit: Tariff.idLimit)
    }
}

extension SealedVisit {
    private static let info = Array("qlink/visit-record".utf8)

    /// - Throws: `badKey` if `key` is a point that gives everyone the same secret.
    public init(_ visit: VisitRecord, for key: SealingKey) throws(SealedError) {
        self.init(try Sealed(visit.canonicalBytes, to: key, info: Self.info, bound: visit.asset.bytes).canonicalBytes)
    }

    /// nil: it is not for this key, not of this asset, or no visit record.
    public func opened(by key: OpeningKey, of asset: AssetID) -> VisitRecord? {
        guard let sealed = try? Sealed(canonicalBytes: bytes),
            let plain = try? sealed.opened(by: key, info: Self.info, bound: asset.bytes),
            let visit = try? VisitRecord(canonicalBytes: plain), visit.asset == asset
        else { return nil }
        return visit
    }
}

extension CommitUsage {
    /// A commitment to `records`, and a visit record for each buyer that announced a key to seal it for.
    public init(of records: some Collection<UncommittedUsage>, by asset: AssetID) {
        let visits = records.compactMap { usage in
            // A key that is none is its owner's own fault, and keeps nobody else's record back.
            usage.visitKey.flatMap { try? SealedVisit(VisitRecord(of: usage.record.claim, at: asset), for: $0) }
        }
        self.init(asset: asset, usageRoot: Self.root(of: records), records: UInt32(clamping: records.count), visits: visits)
    }

    /// RFC 6962, over the signed records in canonical form.
    public static func root(of records: some Collection<UncommittedUsage>) -> Bytes32 {
        MerkleTree.root(records.map(\.record.canonicalBytes))
    }
}
