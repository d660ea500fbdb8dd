import Charging
import Primitives
import SimulatedHAL
import Testing

@Suite struct SettlementPolicyTests {
    static let minute: UInt64 = 60_000
    static let hour: UInt64 = 3_600_000
    static let fees = SettlementFees(one: QLC(units: 14_000), more: QLC(units: 2_000))
    /// Of which the fee of a settlement is one percent.
    static let worthy: UInt64 = 1_400_000

    static func receivable(
        _ gain: UInt64, channel number: UInt8 = 1, since: UInt64 = 0, expiry: UInt64 = 100 * hour, window: UInt64 = hour,
        closing: UInt64? = nil, isDemanded: Bool = false, deposit: UInt64 = .max
    ) -> Receivable {
        Receivable(
            channel: Bytes32([UInt8](repeating: number, count: 32))!, amount: QLC(units: 500 + gain), settled: QLC(units: 500),
            deposit: QLC(units: deposit), expiry: expiry, closingSince: closing, disputeWindow: window, unsettledSince: since,
            isDemanded: isDemanded)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var receivable: Receivable
        var time: UInt64
        var reason: Settlement.Reason?
    }

    static let cases: [Case] = [
        Case(testDescription: "young", receivable: receivable(worthy), time: 23 * hour, reason: nil),
        Case(testDescription: "a day old", receivable: receivable(worthy), time: 24 * hour, reason: .age),
        Case(testDescription: "a day old and dust", receivable: receivable(worthy - 100), time: 24 * hour, reason: nil),
        Case(testDescription: "nothing to gain", receivable: receivable(0, closing: 1), time: 24 * hour, reason: nil),
        Case(testDescription: "much", receivable: receivable(1_000_000_000), time: 1, reason: .amount),
        Case(testDescription: "not quite much", receivable: receivable(999_999_999), time: 1, reason: nil),
        Case(testDescription: "demanded", receivable: receivable(14_001, isDemanded: true), time: 1, reason: .demanded),
        Case(testDescription: "demanded at a loss", receivable: receivable(14_000, isDemanded: true), time: 1, reason: nil),
        Case(testDescription: "closed by the payer", receivable: receivable(14_001, closing: 5), time: 6, reason: .closed),
        Case(
            testDescription: "closed and worth less than the fee", receivable: receivable(14_000, closing: 5), time: 6,
            reason: nil),
        Case(testDescription: "closed too long ago", receivable: receivable(worthy, closing: 5), time: 5 + hour, reason: nil),
        Case(
            testDescription: "held when the lead begins", receivable: receivable(worthy, since: 8 * hour, expiry: 10 * hour),
            time: 9 * hour, reason: .age),
        Case(
            testDescription: "held since a minute in the lead",
            receivable: receivable(worthy, since: 9 * hour, expiry: 10 * hour), time: 9 * hour + minute, reason: nil),
        Case(
            testDescription: "held since a quarter in the lead",
            receivable: receivable(worthy, since: 9 * hour, expiry: 10 * hour), time: 9 * hour + 15 * minute, reason: .age),
        Case(
            testDescription: "expired", receivable: receivable(14_001, since: 10 * hour - 1, expiry: 10 * hour), time: 10 * hour,
            reason: .expired),
        Case(
            testDescription: "above the deposit", receivable: receivable(worthy, closing: 5, deposit: worthy), time: 6,
            reason: nil),
    ]

    @Test(arguments: cases) func isDueWhen(_ given: Case) {
        let policy = SettlementPolicy()
        let settlement = policy.next([given.receivable], fees: Self.fees, lastSettledAt: nil, at: given.time)
        #expect(settlement?.reason == given.reason)
        guard let settlement else { return }
        #expect(settlement.channels == [given.receivable.channel])
        #expect(settlement.feeLimit < settlement.gain)
    }

    @Test func channelsShareATransactionAndKeepADistance() {
        let policy = SettlementPolicy()
        let day = 24 * Self.hour
        let old = Self.receivable(Self.worthy, channel: 1), young = Self.receivable(200_000, channel: 2, since: day)
        let dust = Self.receivable(199_000, channel: 3)
        let settlement = policy.next([dust, young, old], fees: Self.fees, lastSettledAt: nil, at: day + 1)
        #expect(settlement?.channels == [old.channel, young.channel], "who is old takes along whoever is worth its place")
        #expect(policy.next([old], fees: Self.fees, lastSettledAt: day, at: day + 59_999) == nil)
        #expect(policy.next([old], fees: Self.fees, lastSettledAt: day, at: day + 60_000) != nil)
        let many = (1...100).map { Self.receivable(Self.worthy, channel: UInt8($0)) }
        let full = policy.next(many, fees: Self.fees, lastSettledAt: day, at: day + 1)
        #expect(full?.channels.count == SettlementPolicy.batchLimit, "a full one does not wait")
    }

    @Test func whatIsPressingCostsMoreWhenHalfItsWindowIsOver() throws {
        let closed = Self.receivable(1_000_000_000, closing: 1)
        let policy = SettlementPolicy()
        let early = try #require(policy.next([closed], fees: Self.fees, lastSettledAt: nil, at: Self.hour / 2))
        #expect(early.feeLimit == QLC(units: 10_000_000), "one percent, which is more than 64 fees")
        let late = try #require(policy.next([closed], fees: Self.fees, lastSettledAt: nil, at: Self.hour / 2 + 1))
        #expect(late.feeLimit == QLC(units: 999_999_999))
        let small = Self.receivable(2_000_000, closing: 1)
        let next = policy.next([small], fees: Self.fees, lastSettledAt: nil, at: 2)
        #expect(next?.feeLimit == QLC(units: 64 * 14_000))
    }

    @Test func whoEndsFirstGoesFirstAndADustChannelHoldsNobodyUp() {
        let dust = (1...70).map { Self.receivable(2_001, channel: UInt8($0), closing: 1) }
        let late = Self.receivable(100_000, channel: 99, closing: 9), soon = Self.receivable(100_000, channel: 98, closing: 8)
        let settlement = SettlementPolicy().next(dust + [late, soon], fees: Self.fees, lastSettledAt: nil, at: 10)
        #expect(settlement?.channels.first == soon.channel)
        #expect(settlement?.isUrgent == true)
        // Alone each loses, together they pay: 70 · 2,001 is more than 14,000 and 63 · 2,000.
        #expect(
            SettlementPolicy().next(
                dust, fees: SettlementFees(one: QLC(units: 2_050), more: QLC(units: 2_000)), lastSettledAt: nil, at: 10)?
                .channels.count == 64)
        #expect(SettlementPolicy().next(Array(dust.prefix(3)), fees: Self.fees, lastSettledAt: nil, at: 10) == nil)
    }
}
