import Charging
import Primitives
import StationAPI
import Testing

@testable import qlink

/// What the wallet signs, whatever the station says.
@Suite struct PaymentPlanTests {
    private let key = PrivateKey(seed: Array(repeating: 5, count: 32))!

    private func session(
        charge: UInt64 = 0, paid: UInt64 = 0, earlier: UInt64 = 0, deposit: UInt64 = 1_000_000, window: UInt64 = 1_000
    ) -> BuyerSessionView {
        BuyerSessionView(
            sessionId: "", tariffId: "t", state: "active", durationSeconds: 0, bytesUp: 0, bytesDown: 0, bytesRemaining: nil,
            secondsRemaining: nil, chargeQlc: QLC(units: charge), paidQlc: QLC(units: paid),
            chargedEarlierQlc: QLC(units: earlier), depositQlc: QLC(units: deposit), creditWindowQlc: QLC(units: window),
            voucherSequence: 0)
    }

    @Test func twoWindowsArePaidAheadAndNoMore() {
        var plan = PaymentPlan(limit: QLC(units: 5_000), paidBefore: .zero)
        #expect(plan.next(for: session()) == QLC(units: 2_000))
        #expect(plan.next(for: session(charge: 900, paid: 2_000)) == nil)
        #expect(plan.next(for: session(charge: 1_500, paid: 2_000)) == QLC(units: 3_500))
        #expect(plan.next(for: session(charge: 3_400, paid: 3_500)) == QLC(units: 5_000))
        #expect(plan.next(for: session(charge: 5_000, paid: 5_000)) == nil)
    }

    /// The owner of the wallet said how much; no claim of the station's gets it more.
    @Test(arguments: [0, 700, 900_000] as [UInt64], [0, 900_000] as [UInt64])
    func nothingThatTheStationSaysRaisesTheLimit(earlier: UInt64, paid: UInt64) {
        var plan = PaymentPlan(limit: QLC(units: 5_000), paidBefore: QLC(units: 700))
        for charge in stride(from: 0, through: 1_000_000, by: 1_700) as StrideThrough<UInt64> {
            for window in [1, 1_000, 900_000] as [UInt64] {
                let amount = plan.next(for: session(charge: charge, paid: paid, earlier: earlier, window: window))
                #expect((amount ?? .zero) <= QLC(units: 5_700))
            }
        }
    }

    @Test func whatWasPaidIsBelievedWithTheOwnSignatureOnly() throws {
        let channel = Bytes32.zero
        let voucher = Voucher(channel: channel, cumulativeAmount: QLC(units: 70), cumulativeBytes: 1, sequence: 3)
        func view(_ paid: UInt64, _ voucher: Signed<Voucher>?, sequence: UInt64 = 3) -> ChannelView {
            ChannelView(
                channelId: channel, chainId: .zero, payer: key.publicKey, depositQlc: QLC(units: 100), paidQlc: QLC(units: paid),
                chargedQlc: .zero,
                voucherSequence: sequence, voucher: voucher, acceptanceSequence: 0, openedAt: WallTime(secondsSince1970: 0),
                closed: false)
        }
        #expect(try view(0, nil).paid(provenBy: key) == .zero)
        #expect(try view(70, Signed(voucher, by: key)).paid(provenBy: key) == QLC(units: 70))
        let other = PrivateKey(seed: Array(repeating: 6, count: 32))!
        var elsewhere = voucher
        elsewhere.channel = TaggedHash.digest(tag: "test", [1])
        for lie in [
            view(70, nil), view(71, Signed(voucher, by: key)), view(70, Signed(voucher, by: other)),
            view(70, Signed(elsewhere, by: key)), view(70, Signed(voucher, by: key), sequence: 4),
        ] {
            #expect(throws: WalletError.self) { try lie.paid(provenBy: key) }
        }
    }
}
