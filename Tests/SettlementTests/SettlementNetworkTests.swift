import Chain
import ChainLab
import Charging
import Consensus
import Foundation
import Ledger
import Node
import Primitives
import Settlement
import Store
import Testing

/// A station's money on four delegates over TLS and loopback, each with its own disk. Nothing is simulated.
@Suite(.serialized) struct SettlementNetworkTests {
    /// The charging engine with its disk, as the cashier joins them: persisted first.
    private actor Station {
        private let store: StationStore
        private var engine: ChargingEngine
        private let moment = Moment(boot: .zero, wall: WallTime(secondsSince1970: 1_800_000_000))

        init(_ store: StationStore, _ key: PublicKey) async throws {
            self.store = store
            engine =
                ChargingEngine.restore(
                    station: key, tariffs: [], from: try await store.load(), marks: [], sameBoot: true, at: moment
                ).engine
        }

        func take(_ event: ChargingEvent) async throws {
            let outcome = try engine.handle(event, at: moment)
            try await store.commit(outcome.actions.compactMap { if case .persist(let record) = $0 { record } else { nil } })
        }

        var accounts: [ChannelAccount] { Array(engine.channels.values) }

        func wait(_ isThere: @Sendable ([ChannelID: ChannelAccount]) -> Bool) async throws {
            for _ in 0..<1_500 {
                if isThere(engine.channels) { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("not within 30 s; the station has \(engine.channels.count) channels")
        }
    }

    private static let stationIndex = 4, payerIndex = 3

    /// Runs a station beside `member` from its disk, and ends it.
    private static func running(
        _ network: Devnet, beside member: Devnet.Member, _ body: @Sendable (Station, ChainChannelBook) async throws -> Void
    ) async throws {
        let key = network.keys[stationIndex]
        let store = try StationStore(directory: network.home(stationIndex) + "/station", key: key)
        let station = try await Station(store, key.publicKey)
        let settler = Settler(
            key: key, chain: member.service, store: store, held: { await station.accounts.compactMap(HeldVoucher.init) },
            logger: quiet)
        let book = ChainChannelBook(
            chain: member.service, station: key.publicKey, held: { await station.accounts }, settler: settler, logger: quiet)
        try await withThrowingTaskGroup { group in
            group.addTask { await settler.run() }
            group.addTask { try await book.tell { try await station.take(.channel($0)) } }
            try await body(station, book)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private static func open(_ network: Devnet, _ deposit: QLC, sequence: UInt64) -> (id: ChannelID, CheckedTransaction) {
        let payer = network.keys[payerIndex].publicKey
        let terms = OpenChannel(
            payee: network.keys[stationIndex].publicKey, sessionKey: payer, deposit: deposit,
            expiry: UInt64(Date().timeIntervalSince1970 * 1_000) + 86_400_000, disputeWindow: 3_600_000)
        return (OpenChannel.id(of: payer, sequence), network.sign(.openChannel(terms), by: payerIndex, sequence: sequence))
    }

    private static func voucher(
        _ network: Devnet, _ channel: ChannelID, _ amount: QLC, _ sequence: UInt64, chainID: Bytes32? = nil
    ) -> Verified<Voucher> {
        Verified(
            signing: Voucher(
                chainID: chainID ?? network.genesis.chainID, channel: channel, cumulativeAmount: amount,
                cumulativeBytes: sequence, sequence: sequence), by: network.keys[payerIndex])
    }

    @Test(.timeLimit(.minutes(5))) func whatIsPaidArrivesThroughRestartsAndAFalseClose() async throws {
        let network = try Devnet(delegates: 4, followers: 1)
        defer { network.remove() }
        try FileManager.default.createDirectory(
            atPath: network.home(Self.stationIndex) + "/station", withIntermediateDirectories: true)
        let station = network.keys[Self.stationIndex].publicKey
        let before = try network.genesis.state().account(station).balance
        let (first, opening) = Self.open(network, .qlc(50), sequence: 0)
        let (second, opening2) = Self.open(network, .qlc(20), sequence: 1)

        try await network.running { nodes in
            try await Self.running(network, beside: nodes[4]) { desk, _ in
                #expect(try await nodes[0].finish(opening) == nil)
                #expect(try await nodes[0].finish(opening2) == nil)
                try await desk.wait { $0[first]?.channel.deposit == .qlc(50) && $0[second]?.channel.deposit == .qlc(20) }
                await #expect(throws: ChargingError.voucherInvalid("it is for another chain")) {
                    try await desk.take(.paid(Self.voucher(network, first, .qlc(1), 1, chainID: .zero)))
                }
                await #expect(throws: ChargingError.depositExceeded(.qlc(51), deposit: .qlc(50))) {
                    try await desk.take(.paid(Self.voucher(network, first, .qlc(51), 1)))
                }
                try await desk.take(.paid(Self.voucher(network, first, .qlc(3), 1)))
                try await desk.take(.paid(Self.voucher(network, first, .qlc(12), 2)))
                try await nodes[4].wait { $0.channel(first)?.settled == .qlc(12) }
                try await desk.take(.paid(Self.voucher(network, second, .qlc(4), 7)))
            }
        }
        // While the station is off, the payer admits a quarter of what it paid.
        let admitted = Self.voucher(network, second, .qlc(1), 3)
        let close = CloseChannel(
            second, voucher: PresentedVoucher(admitted.signed, by: network.keys[Self.payerIndex].publicKey))
        try await network.running(only: [0, 1, 2, 3]) { nodes in
            let closing = network.sign(.closeChannel(close), by: Self.payerIndex, sequence: 2)
            let refusal = try await nodes[1].finish(closing)
            #expect(refusal == nil)
        }
        try await network.running { nodes in
            try await Self.running(network, beside: nodes[4]) { desk, book in
                try await desk.wait { $0[second]?.isClosed == true }
                try await nodes[4].wait { $0.channel(second)?.settled == .qlc(4) }
                let last = Self.voucher(network, first, .qlc(14), 3)
                try await desk.take(.paid(last))
                await book.settle(last.signed)
                for node in nodes { try await node.wait { $0.channel(first)?.settled == .qlc(14) } }
            }
            for node in nodes { #expect(await node.service.read { $0.state.supply } == .supply) }
            let (fees, count) = try await Self.paid(by: station, nodes[4])
            #expect(count == 3, "two settlements and one answer")
            #expect(await nodes[4].service.read { $0.state.account(station).balance } == before + .qlc(18) - fees)
        }
    }

    /// What a sender's transactions cost in all blocks, and how many there are.
    private static func paid(by sender: PublicKey, _ node: Devnet.Member) async throws -> (fees: QLC, count: Int) {
        var (fees, count, height) = (QLC.zero, 0, UInt64(1))
        while let block = try await node.service.block(at: height) {
            for bytes in block.block.transactions {
                let transaction = try Signed<Transaction>(canonicalBytes: bytes).claim
                guard transaction.sender == sender else { continue }
                fees += transaction.fee
                count += 1
            }
            height += 1
        }
        return (fees, count)
    }
}
