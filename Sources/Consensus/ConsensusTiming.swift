public import Primitives

/// How long a round waits (chain.md, "Timing"): parameters of the chain.
public struct ConsensusTiming: Hashable, Sendable {
    public var propose = Nanoseconds.seconds(3)
    public var vote = Nanoseconds.seconds(1)
    /// More with each round, so that a slow network gets there.
    public var perRound = Nanoseconds.milliseconds(500)
    /// Between two blocks when there is work, and when there is none.
    public var blockInterval = Nanoseconds.seconds(2)
    public var idleInterval = Nanoseconds.seconds(60)
    /// A block's time may differ so much from the clock of who prevotes it.
    public var precision = Nanoseconds.seconds(2)

    public init() {}

    /// Waiting grows no more after so many rounds: five minutes.
    private static let roundLimit: UInt32 = 600

    func propose(_ round: UInt32) -> Nanoseconds { propose + growth(round) }
    func vote(_ round: UInt32) -> Nanoseconds { vote + growth(round) }
    private func growth(_ round: UInt32) -> Nanoseconds { Nanoseconds(perRound.count * Int64(min(round, Self.roundLimit))) }

    /// Whether a block of that time may be prevoted by who has this clock.
    public func isTimely(_ time: BlockTime, on clock: BlockTime) -> Bool {
        let apart = max(time, clock) - min(time, clock)
        return apart <= precision.wholeMilliseconds
    }
}
