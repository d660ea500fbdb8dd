import Primitives

/// A guard taken out: the checker must notice every one of them.
public enum NetworkMutation: String, Hashable, Sendable, CaseIterable {
    /// Prevotes whatever is proposed, also when it is locked on something else.
    case withoutLock
    /// Signs without writing down what.
    case forgetsSignatures
    /// Writes down what it signed, and not what others signed before.
    case forgetsProof
    /// Takes a disk that was restored from a copy for its own.
    case signsOnCopies
    /// Punishes whoever is accused.
    case believesEvidence
    /// Votes at a height while the block before it may still be lost.
    case votesUnsynced
    /// Is silent for a whole height if its clock is not set when it begins.
    case readsClockOnce
}

extension NetworkSimulation.Settings {
    /// Meets the mistakes that only show in a moment when something else goes wrong.
    public mutating func focus(on mutation: NetworkMutation) {
        switch mutation {
        case .withoutLock:
            collude()
            tricks?.insert(.favours)
            (faults, faultsLast) = ([.partition, .partition, .loss, .reconnect], .seconds(80))
            (decisionCrashPace, crashPace) = (2, nil)
        case .readsClockOnce: faults = [.powerCut]
        case .votesUnsynced: (delegates, cheats, faults, faultPace, syncPace) = (4, 0, [.powerCut], 4_000...12_000, 50)
        case .forgetsProof:
            (delegates, cheats, tricks) = (4, 1, [.isMute])
            faults = [.powerCut, .partition, .partition, .loss, .reconnect]
        case .signsOnCopies:
            (cheats, faults, jailsAbsentees) = (0, [.copy, .crash, .crash], false)
        case .believesEvidence: (delegates, cheats, tricks) = (4, 1, [.forgesEvidence])
        case .forgetsSignatures: break
        }
    }

    /// Cheats that say to each side what it would hear, among honest delegates that hear little of each other.
    public mutating func collude() {
        delegates = 4
        cheats = max(1, cheats ?? 1)
        tricks = [.equivocates, .votesForAnything]
        faults = [.partition, .partition, .loss, .reconnect, .delay, .crash]
        (faultPace, worstLoss) = (200...1_500, 700)
    }
}
