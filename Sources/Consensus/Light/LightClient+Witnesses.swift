import Primitives

/// What others have at the height that the primary led to (CometBFT's spec/light-client/detection).
struct Confirmation: Hashable, Sendable {
    /// Verified, from the block that was trusted to the new head.
    let trace: [LightBlock]
    let primary: LightPeer
    /// Who has the same head.
    var witnesses: [LightPeer] = []
    var asked: Set<PublicKey> = []

    init(trace: [LightBlock], primary: LightPeer) { (self.trace, self.primary) = (trace, primary) }

    var head: LightBlock { trace[trace.endIndex - 1] }

    func isOpen(to peer: LightPeer) -> Bool {
        !asked.contains(peer.key) && ([primary] + witnesses).allSatisfy { $0.network != peer.network && $0.key != peer.key }
    }
}

extension LightClient {
    /// Asks the next witness, until enough have the same head.
    mutating func confirm(_ confirmation: Confirmation, _ actions: inout [Action]) {
        var confirmation = confirmation
        guard confirmation.witnesses.count < Self.witnessesNeeded else {
            trust(Array(confirmation.trace.dropFirst()), &actions)
            return succeed(with: confirmation.head, &actions)
        }
        guard let witness = peers.first(where: { job?.useless.contains($0.key) == false && confirmation.isOpen(to: $0) }) else {
            return fail(
                .unconfirmed(
                    "\(confirmation.witnesses.count) of \(Self.witnessesNeeded) witnesses on other networks have the header at height "
                        + "\(confirmation.head.height); connect to more stations"), &actions)
        }
        confirmation.asked.insert(witness.key)
        ask(witness, confirmation.head.height, for: .confirming(confirmation), &actions)
    }

    mutating func take(
        _ answer: Answer, to question: Job.Question, during confirmation: Confirmation, _ now: BlockTime,
        _ actions: inout [Action]
    ) throws(ConsensusError) {
        let (head, witness) = (confirmation.head, question.peer)
        switch answer {
        case .silence: throw .unconfirmed("\(witness.key) is silent")
        case .none:
            guard question.height != nil else { throw .unconfirmed("\(witness.key) has no chain") }
            // It may be behind; or the primary made up a future.
            ask(witness, nil, for: .confirming(confirmation), &actions)
        case .block(let block) where block.id == head.id:
            var confirmation = confirmation
            confirmation.witnesses.append(witness)
            confirm(confirmation, &actions)
        case .block(let block):
            guard question.height == nil || block.height == head.height else {
                throw .headerInvalid("it is of height \(block.height) instead of the one that was asked for")
            }
            guard block.height <= head.height, block.height == head.height || block.time >= head.time else {
                throw .unconfirmed("\(witness.key) is at height \(block.height)")
            }
            let examination = LightExamination(of: confirmation.trace, against: block, from: witness)
            try examine(examination, during: confirmation, now, &actions)
        }
    }

    /// - Parameter confirmation: nil if the primary contradicts what was trusted before.
    mutating func examine(
        _ examination: LightExamination, during confirmation: Confirmation?, _ now: BlockTime, _ actions: inout [Action]
    ) throws(ConsensusError) {
        var examination = examination
        switch examination.advance(by: verifier, now: now) {
        case .ask(let height): ask(examination.source, height, for: .examining(examination, during: confirmation), &actions)
        case .failed(let error): throw error
        case .parted(let parting): accuse(parting, primary: confirmation?.primary, now, &actions)
        }
    }

    /// Two chains, both certified. This board cannot tell which one is the chain, so it accuses the signers of both: the delegates can.
    private mutating func accuse(
        _ parting: LightExamination.Parting, primary: LightPeer?, _ now: BlockTime, _ actions: inout [Action]
    ) {
        let evidence = LightAttackEvidence(conflicting: parting.ours, common: parting.common, trusted: parting.theirsAtEnd)
        guard parting.ours.height == parting.theirsAtEnd.height else { return stop(parting, [evidence], &actions) }
        if parting.theirs.count == 2 {
            let other = LightAttackEvidence(conflicting: parting.theirsAtEnd, common: parting.common, trusted: parting.ours)
            stop(parting, [evidence, other], &actions)
        } else if let primary {
            let examination = LightExamination(of: parting.theirs, against: parting.ours, from: primary)
            comeBack(on: examination, with: evidence, of: parting, now, &actions)
        } else {
            stop(parting, [evidence], &actions)
        }
    }

    /// Looks for the first block of the witness's chain that the primary does not have.
    mutating func comeBack(
        on examination: LightExamination, with evidence: LightAttackEvidence, of parting: LightExamination.Parting,
        _ now: BlockTime, _ actions: inout [Action]
    ) {
        var examination = examination
        switch examination.advance(by: verifier, now: now) {
        case .ask(let height) where (job?.questions ?? 0) < Self.questionLimit:
            ask(examination.source, height, for: .returning(examination, against: evidence, parting), &actions)
        case .parted(let back):
            let other = LightAttackEvidence(conflicting: back.ours, common: back.common, trusted: back.theirsAtEnd)
            stop(parting, [evidence, other], &actions)
        case .ask, .failed: stop(parting, [evidence], &actions)
        }
    }

    mutating func stop(_ parting: LightExamination.Parting, _ evidence: [LightAttackEvidence], _ actions: inout [Action]) {
        stop(.fork(height: parting.ours.height, parting.ours.id, parting.theirsAtEnd.id), evidence, &actions)
    }
}
