import Primitives

/// Who may come in: few from one address, few from one network, so many in all, and so many a second.
///
/// Asked before anything is spent on a connection. The cheap refusals come first: a flood from one address does not use up
/// the second's admissions.
struct InboundGuard: Sendable {
    private let limits: PeeringLimits
    private var rate: TokenBucket
    private(set) var count = 0
    private var bySubscriber: [NetworkGroup: Int] = [:]
    private var byGroup: [NetworkGroup: Int] = [:]

    init(_ limits: PeeringLimits, at now: Instant) {
        self.limits = limits
        rate = TokenBucket(perSecond: limits.acceptsPerSecond, burst: 2 * limits.acceptsPerSecond, at: now)
    }

    /// Whether there is room; then a place is taken, until `release`.
    mutating func admit(_ address: IPAddress, at now: Instant) -> Bool {
        let (subscriber, group) = (NetworkGroup.subscriber(address), NetworkGroup.neighbours(of: address))
        guard count < limits.inboundLinks, bySubscriber[subscriber, default: 0] < limits.inboundPerAddress,
            byGroup[group, default: 0] < limits.inboundPerGroup, rate.takeIfThere(1, at: now)
        else { return false }
        count += 1
        bySubscriber[subscriber, default: 0] += 1
        byGroup[group, default: 0] += 1
        return true
    }

    mutating func release(_ address: IPAddress) {
        count -= 1
        Self.decrement(&bySubscriber, .subscriber(address))
        Self.decrement(&byGroup, .neighbours(of: address))
    }

    private static func decrement(_ counts: inout [NetworkGroup: Int], _ key: NetworkGroup) {
        guard let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }
}
