import HAL
import Primitives
import StationAPI

/// Who has paid for nothing yet may ask the chain too, to open a channel: not so much that it costs those who have paid.
///
/// What counts is the time that answers take, since a call may be a word or a batch of proofs: of a millisecond or two each, of which a
/// wallet needs some dozens for a command.
actor ChainCalls {
    /// Milliseconds of a minute: for a device, and for all of them.
    private static let (perDevice, together) = (3_000, 6_000)

    private let clocks: any Clocks
    private var limiter = AttemptLimiter<MACAddress?>(perMinute: perDevice, together: together)

    init(clocks: any Clocks) { self.clocks = clocks }

    /// - Parameter mac: the device that asks; all who are not known share one account.
    func answer<Answer: Sendable>(to mac: MACAddress?, _ work: @Sendable () async throws -> Answer) async throws -> Answer {
        let begun = clocks.now().boot
        guard limiter.allows(mac, at: begun) else {
            throw Problem(
                .tooMany,
                "this device, or all of them, asked more of the chain than a minute allows; wait a minute, or ask another node")
        }
        defer { limiter.charge(mac, Int(clamping: (clocks.now().boot - begun).count / 1_000_000)) }
        return try await work()
    }
}
