public import Primitives

/// A usage record, and its place in a commitment on the chain (RFC 6962, section 2.1.1).
///
/// Who has it needs nobody's word: the record is signed by the station, and the root stands in the ledger, at `chain.usage` of its asset.
public struct UsageProof: Hashable, Sendable, Codable {
    public var record: Signed<UsageRecord>
    public var commitment: Place?

    /// nil in `commitment`: the chain has none yet.
    public init(_ record: Signed<UsageRecord>, at commitment: Place? = nil) {
        (self.record, self.commitment) = (record, commitment)
    }

    public struct Place: Hashable, Sendable, Codable {
        public var usageRoot: Bytes32
        /// From 0.
        public var index: Int
        public var records: Int
        public var path: [Bytes32]

        /// Of the record at `index` of all that one commitment is over.
        public init(at index: Int, of all: [Signed<UsageRecord>]) {
            let entries = all.map(\.canonicalBytes)
            (self.index, records) = (index, all.count)
            (usageRoot, path) = (MerkleTree.root(entries), MerkleTree.path(to: index, in: entries))
        }
    }

    /// Whether the record stands under the root that is named. Compare that with the ledger's, and check the station's signature.
    public var isConsistent: Bool {
        guard let commitment, let entry = try? record.encoded() else { return false }
        return MerkleTree.contains(
            entry, at: commitment.index, of: commitment.records, path: commitment.path, root: commitment.usageRoot)
    }
}
