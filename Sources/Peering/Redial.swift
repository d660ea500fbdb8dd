import Primitives

/// When to dial somebody again: twice as long after each failure, with jitter, so that a network that comes back is not stormed.
struct Redial: Hashable, Sendable {
    private(set) var failures = 0
    private(set) var notBefore = Instant(nanoseconds: .min)
    /// Of another chain, another version, or this node itself: not worth telling of.
    private(set) var stranger = false

    mutating func succeeded() { (failures, stranger) = (0, false) }

    /// Between half and all of `redialFirst · 2^failures`, at most of `redialLast`.
    mutating func failed(at now: Instant, _ limits: PeeringLimits, using random: inout some RandomNumberGenerator) {
        let doubled = limits.redialFirst.count.multipliedReportingOverflow(by: 1 << min(failures, 20))
        let wait = min(doubled.overflow ? .max : doubled.partialValue, limits.redialLast.count)
        failures = min(failures + 1, 1000)
        notBefore = now + Nanoseconds(Int64.random(in: wait / 2...wait, using: &random))
    }

    /// The link was good and is over: not at once, but soon.
    mutating func ended(at now: Instant, _ limits: PeeringLimits, using random: inout some RandomNumberGenerator) {
        succeeded()
        notBefore = now + Nanoseconds(Int64.random(in: limits.redialFirst.count / 2...limits.redialFirst.count, using: &random))
    }

    mutating func refused(at now: Instant, for wait: Nanoseconds) {
        stranger = true
        notBefore = max(notBefore, now + wait)
    }

    init() {}

    /// As a file says it: failures, and the seconds left to wait.
    init(failures: Int, wait: Nanoseconds, stranger: Bool, at now: Instant) {
        (self.failures, self.stranger) = (min(max(0, failures), 1000), stranger)
        notBefore = now + wait
    }
}
