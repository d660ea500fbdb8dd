public import Charging
import FoundationEssentials
public import Primitives

extension StationStore {
    /// Adds one event to the station's own channel book. It is on disk when this returns.
    public func append(_ event: ChannelEvent) throws(StorageError) {
        let text = try json(event)
        try database.transaction { () throws(StorageError) in
            var (sequence, previous) = (Int64(0), Bytes32.zero.bytes)
            try database.query("SELECT sequence, hash FROM channel_book ORDER BY sequence DESC LIMIT 1") { row in
                (sequence, previous) = (row.integer(0), row.blob(1))
            }
            let hash = Self.entryHash(sequence: sequence + 1, previous: previous, event: text)
            try database.query(
                "INSERT INTO channel_book (sequence, previous, event, hash, signature) VALUES (?, ?, ?, ?, ?)",
                [.integer(sequence + 1), .blob(previous), .text(text), .blob(hash.bytes), .blob(key.sign(hash.bytes).bytes)])
        }
        listeners.removeAll { if case .terminated = $0.yield(event) { true } else { false } }
    }

    /// Every event of the book, oldest first, each checked against the one before and against the station's signature.
    public func channelEvents() throws(StorageError) -> [ChannelEvent] {
        var events: [ChannelEvent] = []
        var previous = Bytes32.zero.bytes
        try database.query("SELECT sequence, previous, event, hash, signature FROM channel_book ORDER BY sequence") {
            row throws(StorageError) in
            let expected = Int64(events.count + 1)
            let hash = Self.entryHash(sequence: expected, previous: previous, event: row.text(2))
            guard row.integer(0) == expected, row.blob(1) == previous, row.blob(3) == hash.bytes,
                let signature = Signature(row.blob(4)), key.publicKey.isValid(signature, for: hash.bytes),
                let event = try? JSONDecoder().decode(ChannelEvent.self, from: Data(row.text(2).utf8))  // else damaged, below
            else {
                throw StorageError(
                    .corrupt,
                    "entry \(expected) of the channel book in \(path) is missing, damaged or was changed by hand; restore the last backup"
                )
            }
            events.append(event)
            previous = hash.bytes
        }
        return events
    }

    private static func entryHash(sequence: Int64, previous: [UInt8], event: String) -> Bytes32 {
        TaggedHash.digest(
            tag: "qlink/channel-book", withUnsafeBytes(of: sequence.littleEndian) { Array($0) } + previous + Array(event.utf8))
    }

    /// All that is in the book, then what is appended from now on, without a gap between the two.
    func channelEventStream() throws(StorageError) -> AsyncStream<ChannelEvent> {
        // Unbounded buffer: an entry of the book must not be dropped, and the engine's limit on channels bounds the book.
        let (stream, continuation) = AsyncStream.makeStream(of: ChannelEvent.self)
        for event in try channelEvents() { continuation.yield(event) }
        listeners.append(continuation)
        return stream
    }

    /// Notes that the voucher's amount is asked for. An older voucher than the last one changes nothing.
    func settle(_ voucher: Signed<Voucher>) throws(StorageError) {
        let claim = voucher.claim
        try database.transaction { () throws(StorageError) in
            try database.query(
                """
                INSERT INTO settlements (channel, voucher_sequence, amount_units, voucher, signature) SELECT ?1, ?2, ?3, ?4, ?5
                WHERE ?2 > (SELECT coalesce(max(voucher_sequence), -1) FROM settlements WHERE channel = ?1)
                """,
                [
                    .text(claim.channel.description), .integer(Int64(clamping: claim.sequence)),
                    .integer(Int64(clamping: claim.cumulativeAmount.units)), .blob(claim.canonicalBytes),
                    .blob(voucher.signature.bytes),
                ])
        }
    }

    /// The last voucher settled of each channel, by channel.
    public func settlements() throws(StorageError) -> [Signed<Voucher>] {
        var vouchers: [Signed<Voucher>] = []
        try database.query("SELECT voucher, signature, max(voucher_sequence), channel FROM settlements GROUP BY channel") {
            row throws(StorageError) in
            guard let voucher = try? Voucher(canonicalBytes: row.blob(0)), let signature = Signature(row.blob(1)) else {
                throw damaged("the settlement of channel", row.text(3), "not in canonical form")
            }
            vouchers.append(Signed(claim: voucher, signature: signature))
        }
        return vouchers
    }
}

/// The station's own channel book: channels against money that the owner took by hand. The ledger will stand in its place.
public struct LocalChannelBook: ChannelBook {
    private let store: StationStore

    public init(store: StationStore) { self.store = store }

    public func events() async throws -> AsyncStream<ChannelEvent> { try await store.channelEventStream() }
    public func append(_ event: ChannelEvent) async throws(StorageError) { try await store.append(event) }
    public func settle(_ voucher: Signed<Voucher>) async throws { try await store.settle(voucher) }
}
