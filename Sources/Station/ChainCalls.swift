import HAL
import Primitives
import StationAPI

/// Who has paid for nothing yet may ask the chain too, to open a channel: not so often that it costs those who have paid.
actor ChainCalls {
    /// Calls a minute of a device: a wallet that checks every answer needs some dozens for one of its commands.
    static let perMinute = 600

    private let clocks: any Clocks
    private var limiter = AttemptLimiter<MACAddress?>(perMinute: perMinute)

    init(clocks: any Clocks) { self.clocks = clocks }

    /// - Parameter mac: the device that asks; all who are not known share one count.
    func admit(_ mac: MACAddress?) throws(Problem) {
        guard limiter.allows(mac, at: clocks.now().boot) else {
            throw Problem(
                .tooMany, "more than \(Self.perMinute) calls in a minute; wait a minute, or ask another node of the chain")
        }
    }
}
