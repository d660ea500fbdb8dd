import Charging
import Ledger
import Primitives
import Testing

/// A visit on the chain: for its buyer, and for nobody else.
@Suite struct VisitRecordTests {
    static let station = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!
    static let buyer = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 7, count: 32))!)
    static let other = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 8, count: 32))!)
    static let asset = TaggedHash.digest(tag: "test/asset", [1])

    static func usage(_ number: UInt64, tariff: String = "day", key: SealingKey? = buyer.sealingKey) -> UncommittedUsage {
        let record = UsageRecord(
            station: station.publicKey, session: SessionID(high: 1, low: number), buyer: nil, accessCode: nil, tariffID: tariff,
            mac: MACAddress(value: 1), startedAt: WallTime(secondsSince1970: 5), endedAt: WallTime(secondsSince1970: 4),
            seconds: 3, bytesUp: 2, bytesDown: number, charge: QLC(units: 7), paid: QLC(units: 8), voucher: nil, endReason: .left)
        return UncommittedUsage(Signed(record, by: station), visitKey: key)
    }

    @Test func itsBuyerReadsWhatTheUsageRecordSays() throws {
        let usage = Self.usage(9)
        let visit = VisitRecord(of: usage.record.claim, at: Self.asset)
        let sealed = try SealedVisit(visit, for: Self.buyer.sealingKey)
        let opened = try #require(sealed.opened(by: Self.buyer, of: Self.asset))
        #expect(opened == visit && opened.station == Self.station.publicKey && opened.bytesDown == 9 && opened.tariffID == "day")
        #expect(sealed.opened(by: Self.other, of: Self.asset) == nil)
        #expect(sealed.opened(by: Self.buyer, of: .zero) == nil, "beside another asset it is nothing")
    }

    @Test func alteredItIsNothing() throws {
        let visit = VisitRecord(of: Self.usage(9).record.claim, at: Self.asset)
        let bytes = try SealedVisit(visit, for: Self.buyer.sealingKey).bytes
        for index in bytes.indices where index != 31 {  // whose top bit means nothing
            var changed = bytes
            changed[index] ^= 1
            #expect(SealedVisit(changed).opened(by: Self.buyer, of: Self.asset) == nil)
        }
        #expect(SealedVisit(bytes + [0]).opened(by: Self.buyer, of: Self.asset) == nil)
        #expect(SealedVisit([]).opened(by: Self.buyer, of: Self.asset) == nil)
    }

    /// What was sealed well may still be no visit record, or one of another asset than it stands beside.
    @Test func whatIsInsideMustBeAVisitOfThatAsset() throws {
        let info = Array("qlink/visit-record".utf8)
        let visit = VisitRecord(of: Self.usage(9).record.claim, at: Self.asset)
        var otherVersion = visit.canonicalBytes
        otherVersion[0] = 2
        var elsewhere = visit
        elsewhere.asset = .zero
        let bytes = visit.canonicalBytes
        let hostile: [[UInt8]] = [otherVersion, bytes + [0], Array(bytes.dropLast()), elsewhere.canonicalBytes, []]
        for bytes in hostile {
            let sealed = try Sealed(bytes, to: Self.buyer.sealingKey, info: info, bound: Self.asset.bytes)
            #expect(SealedVisit(sealed.canonicalBytes).opened(by: Self.buyer, of: Self.asset) == nil)
        }
    }

    /// The length of a tariff's name does not tell whose visit it is.
    @Test func allAreOfOneLength() throws {
        for length in [0, 1, Tariff.idLimit] {
            let usage = Self.usage(.max, tariff: String(repeating: "t", count: length))
            let visit = VisitRecord(of: usage.record.claim, at: Self.asset)
            #expect(try VisitRecord(canonicalBytes: visit.canonicalBytes) == visit)
            #expect(try SealedVisit(visit, for: Self.buyer.sealingKey).bytes.count == 292)
        }
    }

    @Test func aCommitmentHasARootOverAllAndVisitsForThoseWhoAskedForThem() throws {
        let nobodys = SealingKey(raw: .zero)
        let records = [
            Self.usage(1), Self.usage(2, key: nil), Self.usage(3, key: nobodys), Self.usage(4, key: Self.other.sealingKey),
        ]
        let commitment = CommitUsage(of: records, by: Self.asset)
        #expect(commitment.records == 4 && commitment.visits.count == 2 && commitment.asset == Self.asset)
        #expect(commitment.usageRoot == MerkleTree.root(records.map(\.record.canonicalBytes)))
        #expect(commitment.visits.compactMap { $0.opened(by: Self.buyer, of: Self.asset)?.session.low } == [1])
        #expect(commitment.visits.compactMap { $0.opened(by: Self.other, of: Self.asset)?.session.low } == [4])
        #expect(try CommitUsage(canonicalBytes: commitment.canonicalBytes) == commitment)
        let full = CommitUsage(of: (0..<64).map { Self.usage($0) }, by: Self.asset)
        #expect(full.visits.count == 64 && full.canonicalBytes.count < 20_000)
    }
}
