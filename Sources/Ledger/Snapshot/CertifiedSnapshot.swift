public import Consensus
import Primitives

/// A snapshot whose root a certified header has, and all that a node needs beside its entries to go on from there.
///
/// ```
///  header h   ─▶ height, block, time      header h+1 ─▶ state root, receipts root
///  entries    ─▶ epoch (start, delegates before, now and next), attendance, parameters ─▶ proposer rotation at h+1
///  commit h   ─▶ the commit that the next proposer may put into its block
/// ```
public struct CertifiedSnapshot: Hashable, Sendable {
    public var manifest: SnapshotManifest
    /// The block at the manifest's height, with the commit that makes it final.
    public var head: LightBlock
    /// The header behind it.
    public var next: Header
    /// What led there from what was trusted: for others who come later.
    public var proofs: [LightBlock]

    /// The caller has verified `head` and `next`; here it is checked that they are the ones of this snapshot.
    /// - Returns: nil if the header behind the snapshot's block has another root.
    public init?(_ manifest: SnapshotManifest, head: LightBlock, next: Header, proofs: [LightBlock]) {
        guard head.height == manifest.height, next.height == head.height + 1, next.parent == head.id,
            next.stateRoot == manifest.root
        else { return nil }
        (self.manifest, self.head, self.next, self.proofs) = (manifest, head, next, proofs)
    }

    /// Of the state that the entries make: all of it from the two headers.
    public var ledgerHead: LedgerState.Head {
        var made = LedgerState.Head()
        (made.height, made.block, made.time, made.receiptsRoot) = (head.height, head.id, head.time, next.receiptsRoot)
        return made
    }
}
