public import Primitives

/// Why something is not believed to be part of the state.
public enum LedgerProofError: Error, Hashable, Sendable {
    /// The proof leads to another root, or to none.
    case otherRoot(path: Bytes32, computed: Bytes32, expected: Bytes32)
    /// A leaf that cannot stand where the proof puts it.
    case misplaced(leaf: Bytes32, path: Bytes32)
    /// Leaves come in ascending order of their paths, each once.
    case outOfOrder(path: Bytes32, after: Bytes32)
    /// The leaves so far are not all that the state holds up to this path, or not only those.
    case leavesDiffer(upTo: Bytes32)
}

extension LedgerProofError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .otherRoot(let path, let computed, let expected):
            "the proof of \(path) leads to \(computed), not to the state root \(expected); ask another peer"
        case .misplaced(let leaf, let path):
            "the proof of \(path) rests on the leaf \(leaf), which cannot stand there; ask another peer"
        case .outOfOrder(let path, let after): "leaf \(path) comes after \(after): the snapshot is out of order; ask another peer"
        case .leavesDiffer(let path): "the leaves up to \(path) are not those of the state; ask another peer for this chunk"
        }
    }
}
