/// The search for the place where two chains part: along a verified trace, up to the first block that its source has differently
/// (CometBFT's spec/light-client/detection). What is equal by hash is verified already; what differs has to be proved from the last common
/// block.
struct LightExamination: Hashable, Sendable {
    enum Step: Hashable {
        case ask(height: UInt64)
        case parted(Parting)
        case failed(ConsensusError)
    }

    /// The last block that both have, and how each goes on.
    struct Parting: Hashable {
        /// The first of the trace that the source does not have.
        var ours: LightBlock
        /// From the common block up to the one that stands against `ours`.
        var theirs: [LightBlock]
        var common: LightBlock { theirs[0] }
        var theirsAtEnd: LightBlock { theirs[theirs.endIndex - 1] }
    }

    /// Verified, from a block on which both agree.
    let trace: [LightBlock]
    /// What the source has at the trace's end; below it, if it has no such height although it is as late there.
    let conflict: LightBlock
    /// Who says so, and is asked for the blocks between.
    let source: LightPeer
    private var index = 1
    private var walk: LightBisection?

    init(of trace: [LightBlock], against conflict: LightBlock, from source: LightPeer) {
        (self.trace, self.conflict, self.source) = (trace, conflict, source)
    }

    /// It walks along the source's chain, by whatever blocks are kept there.
    var takesLater: Bool { walk != nil }

    mutating func advance(by verifier: LightVerifier, now: BlockTime) -> Step {
        if walk == nil {
            guard index < trace.count else { return .failed(.headerInvalid("it contradicts what all the others say")) }
            guard trace[index].height >= conflict.height else { return .ask(height: trace[index].height) }
            take(conflict)
            guard walk != nil else { return advance(by: verifier, now: now) }
        }
        switch walk?.advance(by: verifier, now: now) {
        case .ask(let height): return .ask(height: height)
        case .failed(let error): return .failed(error)
        case .arrived, nil: return .parted(Parting(ours: trace[index], theirs: walk?.trace ?? []))
        }
    }

    /// The source's block at the height that was asked for.
    mutating func take(_ block: LightBlock) {
        if walk != nil {
            walk?.take(block)
        } else if block.id == trace[index].id {
            index += 1
        } else {
            walk = LightBisection(from: trace[index - 1], to: block)
        }
    }
}
