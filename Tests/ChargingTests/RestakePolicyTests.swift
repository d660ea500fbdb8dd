import Charging
import Primitives
import SimulatedHAL
import Testing

@Suite struct RestakePolicyTests {
    private static func policy(_ percent: UInt64, keep: UInt64? = nil, least: UInt64 = 1) -> RestakePolicy {
        var policy = RestakePolicy()
        (policy.percent, policy.keep, policy.least) = (percent, keep.map(qlc), qlc(least))
        return policy
    }
    private static func qlc(_ whole: UInt64) -> QLC { QLC(units: whole * QLC.unitsPerQLC) }
    private static func means(
        balance: UInt64 = 100, promised: UInt64 = 0, unclaimed: UInt64 = 0, owed: UInt64 = 0, fee: UInt64 = 20_000
    ) -> RestakePolicy.Means {
        RestakePolicy.Means(
            balance: qlc(balance), promised: qlc(promised), reserve: QLC(units: 1_400_000), fee: QLC(units: fee),
            unclaimed: qlc(unclaimed), owed: qlc(owed))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var policy: RestakePolicy
        var means: RestakePolicy.Means
        var units: UInt64?
    }

    static let cases: [Case] = [
        Case(testDescription: "off", policy: policy(0), means: means(unclaimed: 50, owed: 9), units: nil),
        Case(testDescription: "all", policy: policy(100), means: means(unclaimed: 50), units: 5_000_000_000),
        Case(testDescription: "a third", policy: policy(33), means: means(unclaimed: 50, owed: 1), units: 1_750_000_000),
        Case(testDescription: "less than the least", policy: policy(50, least: 10), means: means(unclaimed: 19), units: nil),
        Case(testDescription: "the least", policy: policy(50, least: 10), means: means(unclaimed: 20), units: 1_000_000_000),
        Case(testDescription: "kept", policy: policy(100, keep: 100), means: means(unclaimed: 50), units: nil),
        Case(
            testDescription: "what is to spare, to fetch the rest", policy: policy(100, keep: 99, least: 10),
            means: means(unclaimed: 50), units: 99_980_000),
        Case(
            testDescription: "little to spare and nothing to fetch", policy: policy(100, keep: 99, least: 10),
            means: means(owed: 50), units: nil),
        Case(testDescription: "promised", policy: policy(100), means: means(promised: 100, unclaimed: 50), units: nil),
        Case(
            testDescription: "the reserve stays", policy: policy(100), means: means(unclaimed: 500),
            units: 10_000_000_000 - 1_420_000),
        Case(
            testDescription: "the fee would eat it", policy: policy(100), means: means(unclaimed: 50, fee: 50_000_001), units: nil
        ),
    ]

    @Test(arguments: cases) func stakes(_ given: Case) {
        #expect(given.policy.amount(given.means)?.units == given.units)
    }

    /// Whatever there is: the reserve, what is to be kept, what is promised and the fee stay, and no more than the share is staked.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func nothingIsStakedThatIsWantedElsewhere(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func amount() -> QLC { QLC(units: UInt64(random.number(0...1_000)) << UInt64(random.number(0...45))) }
        var staked = 0
        for _ in 0..<2_000 {
            var policy = RestakePolicy()
            policy.percent = UInt64(random.number(0...100))
            policy.keep = random.chance(1, in: 2) ? amount() : nil
            policy.least = amount()
            let means = RestakePolicy.Means(
                balance: amount(), promised: amount(), reserve: amount(), fee: QLC(units: UInt64(random.number(1...1 << 20))),
                unclaimed: amount(), owed: amount())
            guard let amount = policy.amount(means) else { continue }
            staked += 1
            #expect(amount > .zero && policy.isOn, "seed \(seed)")
            #expect(
                amount + means.fee + means.promised + max(means.reserve, policy.keep ?? .zero) <= means.balance, "seed \(seed)")
            #expect(amount <= means.owed + policy.share(of: means.unclaimed), "seed \(seed)")
            #expect(means.owed + policy.share(of: means.unclaimed) >= policy.least, "seed \(seed)")
            #expect(means.fee.units * 100 <= max(amount, means.unclaimed).units, "seed \(seed)")
        }
        #expect(staked > 20, "seed \(seed) tries nothing")
    }
}

/// The book against a ledger of one line: shares, what they earned, and payments with each change.
@Suite struct RewardBookTests {
    private static let chain = TaggedHash.digest(tag: "test/chain", [1])
    private static let delegate = PrivateKey(seed: [UInt8](repeating: 3, count: 32))!.publicKey

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func eachRewardIsOwedOnce(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var policy = RestakePolicy()
        policy.percent = 40
        var book = RewardBook(on: Self.chain)
        var holding: StakeHolding?
        var (came, earned, owed) = (QLC.zero, QLC.zero, QLC.zero)
        for step in 0..<200 {
            // Between two looks: some epochs, then perhaps a change, which pays out.
            let more = QLC(units: UInt64(random.number(0...5_000)))
            if holding != nil { earned += more }
            holding?.unclaimed += more
            let paid = holding?.unclaimed ?? .zero
            if random.chance(1, in: 3) {
                if holding != nil { owed += policy.share(of: paid) }
                holding =
                    holding != nil && random.chance(1, in: 4)
                    ? nil
                    : StakeHolding(
                        delegate: Self.delegate, shares: UInt64(random.number(1...100)), unclaimed: .zero,
                        paidIndex: UInt64(step + 1))
            }
            came += book.note(holding.map { [$0] } ?? [], policy: policy) { _ in paid }
            #expect(book.owed == owed, "seed \(seed)")
            #expect(book.note(holding.map { [$0] } ?? [], policy: policy) { _ in paid } == .zero, "it is told twice")
        }
        #expect(came == earned && came > .zero, "seed \(seed)")
        policy.percent = 0
        holding?.unclaimed += QLC(units: 1)
        _ = book.note([], policy: policy) { _ in .zero }
        #expect(book.owed == .zero, "what is switched on later begins anew")
    }

    @Test(
        arguments: [
            (.done, 9, true, false), (.unknown, nil, true, false), (.refused, 9, false, true), (.refused, nil, false, false),
            (.expired, nil, false, true), (.sent, nil, false, false),
        ] as [(OwnerOrder.State, UInt64?, Bool, Bool)])
    func whatIsStakedIsOwedNoMore(_ state: OwnerOrder.State, _ height: UInt64?, _ isPaid: Bool, _ waits: Bool) {
        var (book, id) = (RewardBook(on: Self.chain), TaggedHash.digest(tag: "test/order", [1]))
        (book.owed, book.underway) = (QLC(units: 100), id)
        var order = OwnerOrder(id, on: Self.chain, .restake(with: Self.delegate, amount: QLC(units: 70)), at: 1)
        (order.state, order.height) = (state, height)
        book.close(order, at: 5)
        #expect(book.owed == QLC(units: isPaid ? 30 : 100))
        #expect((book.underway == nil) != order.isOpen)
        #expect((book.notBefore > 5) == waits)
        id = TaggedHash.digest(tag: "test/order", [2])
        let before = book
        book.close(OwnerOrder(id, on: Self.chain, .restake(with: Self.delegate, amount: QLC(units: 70)), at: 1).asDone, at: 5)
        #expect(book == before, "another order is not this one")
    }
}

extension OwnerOrder {
    fileprivate var asDone: OwnerOrder {
        var order = self
        order.state = .done
        return order
    }
}
