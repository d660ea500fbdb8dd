import Primitives

/// From what is trusted to the target, through one peer.
extension LightClient {
    /// The peer whose chain is verified: the first that was of use so far.
    private var primary: LightPeer? { peers.first { job?.useless.contains($0.key) == false } }

    /// Starts an update, and starts it over with the next peer until one leads to the target.
    mutating func begin(_ now: BlockTime, _ actions: inout [Action]) {
        guard let target = job?.target else { return }
        if case .height(let height) = target, let known = trusted.first(where: { $0.height == height }) {
            return succeed(with: known, &actions)
        }
        guard let primary else { return fail(.unconfirmed("no peer is left to ask"), &actions) }
        guard let newest = trusted.last else {
            guard let checkpoint else {
                return fail(.unconfirmed("there is neither a checkpoint nor a trusted header"), &actions)
            }
            return ask(primary, checkpoint.height, for: .checkpoint(checkpoint), &actions)
        }
        do throws(ConsensusError) { try verifier.checkTrust(in: newest, now: now) } catch {
            // Newer firmware has a newer checkpoint.
            guard let checkpoint, checkpoint.height > newest.height else { return fail(error, &actions) }
            return ask(primary, checkpoint.height, for: .checkpoint(checkpoint), &actions)
        }
        switch target {
        case .newest: ask(primary, nil, for: .target(base: newest), &actions)
        case .height(let height): begin(height, through: primary, now, &actions)
        }
    }

    private mutating func begin(_ height: UInt64, through primary: LightPeer, _ now: BlockTime, _ actions: inout [Action]) {
        let good = trusted.filter { (try? verifier.checkTrust(in: $0, now: now)) != nil }  // the others are no start
        if let base = good.last(where: { $0.height < height }) {
            ask(primary, height, for: .target(base: base), &actions)
        } else if let above = good.first, height > 0, above.height - height <= UInt64(Self.questionLimit) {
            ask(primary, above.height - 1, for: .backward(above, to: height), &actions)
        } else {
            fail(.unconfirmed("height \(height) is too far below what is trusted"), &actions)
        }
    }

    /// Whether a block above the height that was asked for is an answer: on the way to another one, where not every block is kept.
    public var takesLater: Bool { job?.stage?.takesLater ?? false }

    mutating func take(
        _ answer: Answer, to question: Job.Question, _ now: BlockTime, _ actions: inout [Action]
    ) {
        guard let stage = job?.stage else { return }
        job?.question = nil
        do throws(ConsensusError) {
            if case .block(let block) = answer, !block.isWithinLimits {
                throw .headerInvalid("the block is outside its own limits")
            }
            try take(answer, to: question, at: stage, now, &actions)
        } catch {
            pass(over: question.peer, for: error, &actions)
            resume(after: stage, now, &actions)
        }
    }

    private mutating func take(
        _ answer: Answer, to question: Job.Question, at stage: Job.Stage, _ now: BlockTime, _ actions: inout [Action]
    ) throws(ConsensusError) {
        if case .confirming(let confirmation) = stage {
            return try take(answer, to: question, during: confirmation, now, &actions)
        }
        guard case .block(let block) = answer else { throw .unconfirmed("\(question.peer.key) has no answer") }
        guard stage.isAnswered(by: block.height, to: question.height) else {
            throw .headerInvalid("it is of height \(block.height) instead of the one that was asked for")
        }
        switch stage {
        case .checkpoint(let checkpoint):
            guard block.id == checkpoint.header else { throw .headerInvalid("it is not the checkpoint") }
            try block.check(chainID: verifier.chainID)
            trust([block], &actions)
            begin(now, &actions)
        case .target(let base): try go(from: base, to: block, askedOf: question.peer, now, &actions)
        case .forward(var walk):
            walk.take(block)
            try go(on: walk, through: question.peer, now, &actions)
        case .backward(let above, let height):
            try verifier.verifyParent(block, of: above)
            guard block.height > height else { return succeed(with: block, &actions) }
            ask(question.peer, block.height - 1, for: .backward(block, to: height), &actions)
        case .examining(var examination, let confirmation):
            examination.take(block)
            try examine(examination, during: confirmation, now, &actions)
        case .returning(var examination, let evidence, let parting):
            examination.take(block)
            comeBack(on: examination, with: evidence, of: parting, now, &actions)
        case .confirming: break
        }
    }

    private mutating func go(
        from base: LightBlock, to target: LightBlock, askedOf peer: LightPeer, _ now: BlockTime, _ actions: inout [Action]
    ) throws(ConsensusError) {
        guard target.height >= base.height else {
            throw .unconfirmed("the newest header of \(peer.key), of height \(target.height), is below what is trusted")
        }
        guard target.id != base.id else {
            putLast(peer)  // whoever keeps back what is new holds this board up once
            return succeed(with: base, &actions)
        }
        guard target.height > base.height else {
            // It has another chain than the one that was trusted until now. One of them is not the chain.
            let trace = trusted.filter { (try? verifier.checkTrust(in: $0, now: now)) != nil }  // the others prove nothing
            return try examine(LightExamination(of: trace, against: target, from: peer), during: nil, now, &actions)
        }
        try go(on: LightBisection(from: base, to: target), through: peer, now, &actions)
    }

    private mutating func go(
        on walk: LightBisection, through peer: LightPeer, _ now: BlockTime, _ actions: inout [Action]
    ) throws(ConsensusError) {
        var walk = walk
        switch walk.advance(by: verifier, now: now) {
        case .ask(let height): ask(peer, height, for: .forward(walk), &actions)
        case .failed(let error): throw error
        case .arrived: confirm(Confirmation(trace: walk.trace, primary: peer), &actions)
        }
    }

    /// Goes on after a peer turned out to be of no use.
    private mutating func resume(after stage: Job.Stage, _ now: BlockTime, _ actions: inout [Action]) {
        switch stage {
        case .confirming(let confirmation), .examining(_, let confirmation?): confirm(confirmation, &actions)
        case .returning(_, let evidence, let parting): stop(parting, [evidence], &actions)
        case .checkpoint, .target, .forward, .backward, .examining(_, nil): begin(now, &actions)
        }
    }
}

extension LightClient.Job.Stage {
    fileprivate var takesLater: Bool {
        switch self {
        case .forward: true
        case .examining(let examination, _), .returning(let examination, _, _): examination.takesLater
        case .checkpoint, .target, .backward, .confirming: false
        }
    }

    fileprivate func isAnswered(by height: UInt64, to asked: UInt64?) -> Bool {
        guard let asked else { return true }
        return height == asked || takesLater && height > asked
    }
}
