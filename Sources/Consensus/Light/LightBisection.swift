/// The way from a trusted block to a target: as far at once as trust reaches, else by way of a block in the middle.
///
/// ``LightClient`` walks so for a station; whoever asks one node alone, as a wallet does, walks by itself.
/// It asks for as few blocks as it can: in the logarithm of the distance while the delegates change slowly.
public struct LightBisection: Hashable, Sendable {
    /// Verified blocks and those in waiting, together. Nine days of trust have 324 epochs of 40 minutes; if every one had wholly new
    /// delegates, each would take two blocks. Some 2 MB at 21 delegates.
    static let blockLimit = 700

    public enum Step: Hashable {
        case ask(height: UInt64)
        case arrived
        case failed(ConsensusError)
    }

    /// From the trusted block up, each verified by the one before it.
    public private(set) var trace: [LightBlock]
    /// Trust does not reach them yet; the lowest comes last.
    private var ahead: [LightBlock]
    /// What was asked for last, and the height from which up to the next one there is none: whoever is asked keeps only some.
    private var asked: UInt64?
    private var gap: UInt64?

    public init(from trusted: LightBlock, to target: LightBlock) { (trace, ahead) = ([trusted], [target]) }

    /// Goes on until a block is missing. Afterwards `take` the one that was asked for.
    public mutating func advance(by verifier: LightVerifier, now: BlockTime) -> Step {
        while let next = ahead.last, let trusted = trace.last {
            do throws(ConsensusError) {
                try verifier.verify(next, after: trusted, now: now)
                trace.append(ahead.removeLast())
                gap = nil
            } catch .notEnoughTrust {
                guard trace.count + ahead.count < Self.blockLimit else {
                    return .failed(.unconfirmed("the delegates changed too often since height \(trace[0].height)"))
                }
                let end = gap ?? next.height
                guard end - trusted.height > 1 else {
                    return .failed(.unconfirmed("no block is kept between heights \(trusted.height) and \(next.height)"))
                }
                let middle = trusted.height + (end - trusted.height) / 2
                asked = middle
                return .ask(height: middle)
            } catch {
                return .failed(error)
            }
        }
        return .arrived
    }

    /// The block at the height that was asked for, or the first one above it that is kept.
    public mutating func take(_ block: LightBlock) {
        if let next = ahead.last, block.height >= next.height {
            gap = asked
        } else {
            ahead.append(block)
            gap = nil
        }
    }
}
