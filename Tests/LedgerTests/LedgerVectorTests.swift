import Charging
import Consensus
import Foundation
import Glibc
import Ledger
import Primitives
import PublishedVectors
import Testing

/// Tests/Vectors/ledger.json: bytes that never change. `ledger.py` beside it builds a part of them from the protocol's words.
///
/// `QLINK_WRITE_VECTORS=1` writes the file anew: a change of it is another protocol.
@Suite struct LedgerVectorTests {
    struct Vectors: Codable, Equatable {
        struct Line: Codable, Equatable {
            let kind: String
            /// Signed, as in a block.
            let bytes: String
            let id: Bytes32
        }

        var origin = "Written by LedgerVectorTests, the keys are those of board/genesis/devnet.json; checked by ledger.py"
        let genesis: String
        let chainID: Bytes32
        let stateRoot: Bytes32
        let transactions: [Line]
    }

    private static let keys = (0..<20).map { PrivateKey(seed: Array(repeating: UInt8($0), count: 32))! }
    private static func name(_ number: Int) -> PublicKey { keys[number].publicKey }
    private static func hash(_ number: UInt8) -> Bytes32 { TaggedHash.digest(tag: "vector", [number]) }

    private static var facts: AssetFacts {
        var facts = AssetFacts()
        (facts.kind, facts.geohash, facts.endpoint) = (.baseStation, "u0nd9k", "192.0.2.1:2050")
        (facts.bssid, facts.ssid) = (0x0200_5e00_5301, Array("Qlink".utf8))
        (facts.downlink, facts.uplink) = (50_000_000, 10_000_000)
        (facts.configuration, facts.tariff) = (hash(1), hash(2))
        return facts
    }

    private static func payloads(on chainID: Bytes32) throws -> [Payload] {
        let votes = [UInt8(1), 2].map {
            Verified(
                signing: Vote(chainID: chainID, height: 9, round: 1, step: .precommit, block: hash($0)), by: keys[4])
        }
        let claim = Voucher(
            chainID: chainID, channel: hash(3), cumulativeAmount: .qlc(2), cumulativeBytes: 1_000_000, sequence: 5,
            meterRoot: hash(4))
        let voucher = PresentedVoucher(Signed(claim, by: keys[17]), by: name(17))
        let terms = OpenChannel(
            payee: name(2), sessionKey: name(17), asset: hash(5), deposit: .qlc(25), tariff: hash(2), expiry: 1_798_800_000_000,
            disputeWindow: 3_600_000)
        return [
            .transfer(Transfer(to: name(2), amount: QLC(units: 150_000_000))), .stake(Stake(with: name(3), amount: .qlc(500))),
            .unstake(Unstake(from: name(3), amount: QLC(units: .max))), .registerDelegate(RegisterDelegate(commission: 1_234)),
            .reportEvidence(try DoubleVote(votes[0], votes[1])), .vote(ParameterVote(.seats, value: 25)),
            .registerAsset(RegisterAsset(facts)), .updateAsset(UpdateAsset(hash(5), to: facts)),
            .retireAsset(RetireAsset(hash(5))),
            .publishTariff(PublishTariff(Array("a tariff".utf8))), .openChannel(terms),
            .topUpChannel(TopUpChannel(hash(3), by: .qlc(1), expiry: 1_798_900_000_000)),
            .settleChannels(SettleChannels([voucher])),
            .closeChannel(CloseChannel(hash(3), voucher: voucher)), .raiseVoucher(RaiseVoucher(voucher)),
            .registerContent(RegisterContent(hash: hash(6), size: 20_000_000)),
            .commitUsage(
                CommitUsage(asset: hash(5), usageRoot: hash(7), records: 2, visits: [SealedVisit([1, 2, 3]), SealedVisit([])])),
        ]
    }

    private static func current() throws -> Vectors {
        let genesis = try GenesisTests.load("devnet.json")
        let lines = try payloads(on: genesis.chainID).enumerated().map { index, payload in
            let transaction = Transaction(
                chainID: genesis.chainID, sender: name(1), sequence: UInt64(index), fee: QLC(units: 123_456),
                validUntil: 1_798_761_660_000, payload: payload)
            let checked = CheckedTransaction(signing: transaction, by: keys[1])
            return Vectors.Line(kind: "\(payload.kind)", bytes: Hex.encode(checked.bytes), id: checked.id)
        }
        return Vectors(
            genesis: Hex.encode(genesis.canonicalBytes), chainID: genesis.chainID, stateRoot: try genesis.state().root,
            transactions: lines)
    }

    @Test func bytesNeverChange() throws {
        let current = try Self.current()
        #expect(current.transactions.map(\.kind) == Payload.Kind.allCases.map { "\($0)" })
        if getenv("QLINK_WRITE_VECTORS") != nil {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let path = URL(fileURLWithPath: #filePath).appendingPathComponent("../../Vectors/ledger.json").standardizedFileURL
            try (encoder.encode(current) + Data([0x0a])).write(to: path)
        }
        let golden: Vectors = PublishedVectors.load("ledger.json")
        for (line, known) in zip(current.transactions, golden.transactions) { #expect(line == known) }
        #expect(golden == current)
    }

    @Test func theyAreReadBack() throws {
        let golden: Vectors = PublishedVectors.load("ledger.json")
        for line in golden.transactions {
            let bytes = try #require(Hex.decode(line.bytes))
            let checked = try CheckedTransaction(bytes, on: golden.chainID)
            #expect(checked.id == line.id && "\(checked.transaction.payload.kind)" == line.kind)
        }
    }
}
