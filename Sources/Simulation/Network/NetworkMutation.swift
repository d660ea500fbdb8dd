/// A guard taken out: the checker must notice every one of them.
public enum NetworkMutation: String, Hashable, Sendable, CaseIterable {
    /// Prevotes whatever is proposed, also when it is locked on something else.
    case withoutLock
    /// Signs without writing down what.
    case forgetsSignatures
    /// Takes a disk that was restored from a copy for its own.
    case signsOnCopies
    /// Punishes whoever is accused.
    case believesEvidence
    /// Votes at a height while the block before it may still be lost.
    case votesUnsynced
}
