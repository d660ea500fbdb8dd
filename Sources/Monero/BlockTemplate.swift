public import Primitives
public import ProofOfWork

/// A block to find, as `monerod` gives it (`get_block_template`), with a place for bytes of one's own: whoever has others there looks for
/// other hashes.
///
/// ```
///  block:         header ── nonce 4 ──│ miner transaction ── reserved bytes ──│ count, hashes of the other transactions
///  hashing blob:  header ── nonce 4 ──│ root of all transactions' hashes      │ their count
/// ```
public struct BlockTemplate: Hashable, Sendable {
    /// Of a block without its transactions' bodies: a hash for each, and the miner's own transaction.
    public static let sizeLimit = 1 << 20
    /// Bytes that are asked to be reserved.
    public static let reservedBytes = 16

    public let height: UInt64
    public let difficulty: UInt128
    /// Piconero (10⁻¹² XMR) for who finds it.
    public let reward: UInt64
    public let previous: Bytes32
    public let seedHash: Bytes32
    /// nil: the seed stays for a while.
    public let nextSeedHash: Bytes32?

    private let block: [UInt8]
    private let header: Range<Int>
    private let transaction: Range<Int>
    /// The last of the transaction's prefix, which is what is hashed first.
    private let extra: Range<Int>
    private let reserved: Range<Int>
    private let others: [Bytes32]

    /// What `get_block_template` said.
    public struct Answer: Hashable, Sendable {
        public var block: [UInt8]
        /// Its hashing blob as monerod makes it: what is made here must be the same.
        public var hashingBlob: [UInt8]
        public var reservedOffset: UInt64
        public var height: UInt64
        public var difficulty: UInt128
        public var reward: UInt64
        public var previous: Bytes32
        public var seedHash: Bytes32
        public var nextSeedHash: Bytes32?

        public init(
            block: [UInt8], hashingBlob: [UInt8], reservedOffset: UInt64, height: UInt64, difficulty: UInt128, reward: UInt64,
            previous: Bytes32, seedHash: Bytes32, nextSeedHash: Bytes32?
        ) {
            (self.block, self.hashingBlob, self.reservedOffset, self.height) = (block, hashingBlob, reservedOffset, height)
            (self.difficulty, self.reward, self.previous) = (difficulty, reward, previous)
            (self.seedHash, self.nextSeedHash) = (seedHash, nextSeedHash)
        }
    }

    /// - Throws: ``MoneroError`` if what came is no block with the reserved bytes in its miner's transaction.
    public init(_ answer: Answer) throws(MoneroError) {
        guard answer.block.count <= Self.sizeLimit else { throw .template("it has \(answer.block.count) bytes") }
        guard answer.difficulty > 0 else { throw .template("its difficulty is zero") }
        (height, difficulty, reward) = (answer.height, answer.difficulty, answer.reward)
        (previous, seedHash, nextSeedHash) = (answer.previous, answer.seedHash, answer.nextSeedHash)
        block = answer.block
        var reader = BlockReader(answer.block)
        do throws(BlockReader.Malformed) {
            header = try Self.header(&reader, previous: answer.previous)
            (transaction, extra) = try Self.transaction(&reader, height: answer.height)
            others = try Self.hashes(&reader)
        } catch { throw .template(error.what) }
        let (end, overflow) = answer.reservedOffset.addingReportingOverflow(UInt64(Self.reservedBytes))
        guard !overflow, end <= UInt64(extra.upperBound), answer.reservedOffset >= UInt64(extra.lowerBound) else {
            throw .template("its reserved bytes are not in the extra bytes of the miner's transaction")
        }
        reserved = Int(answer.reservedOffset)..<Int(end)
        guard hashingBlob(extraNonce: nil) == answer.hashingBlob else {
            throw .template("its hashing blob is not what monerod says; is this a chain whose blocks are laid out otherwise?")
        }
    }

    // MARK: What it is made of

    /// Major and minor version, time, previous block, nonce.
    private static func header(_ reader: inout BlockReader, previous: Bytes32) throws(BlockReader.Malformed) -> Range<Int> {
        for field in ["major version", "minor version", "time"] { _ = try reader.varint(field) }
        guard reader.place == Job.nonceOffset - 32 else { throw .init(what: "its nonce is not at byte \(Job.nonceOffset)") }
        let place = reader.place
        try reader.skip(32, "previous block")
        guard Array(reader.bytes[place..<place + 32]) == previous.bytes else {
            throw .init(what: "it does not follow the block that it is said to follow")
        }
        try reader.skip(4, "nonce")
        return 0..<reader.place
    }

    /// Version 2, one input that makes coins, outputs to keys, extra bytes, and no signature (Monero `cryptonote_basic.h`).
    private static func transaction(
        _ reader: inout BlockReader, height: UInt64
    ) throws(BlockReader.Malformed) -> (whole: Range<Int>, extra: Range<Int>) {
        let begin = reader.place
        guard try reader.varint("miner transaction's version") == 2 else {
            throw .init(what: "its miner transaction is not of version 2")
        }
        _ = try reader.varint("unlock time")
        guard try reader.varint("inputs") == 1, try reader.byte("input") == 0xff, try reader.varint("height") == height else {
            throw .init(what: "its miner transaction is not of height \(height)")
        }
        let outputs = try reader.varint("outputs")
        guard outputs <= 64 else { throw .init(what: "its miner transaction has \(outputs) outputs") }
        for _ in 0..<outputs {
            _ = try reader.varint("amount")
            switch try reader.byte("output") {
            case 2: try reader.skip(32, "output's key")
            case 3: try reader.skip(33, "output's key and view tag")
            case let kind: throw .init(what: "its miner transaction has an output of kind \(kind)")
            }
        }
        let size = try reader.varint("extra bytes")
        let extra = reader.place
        try reader.skip(size, "extra bytes")
        let end = reader.place
        guard try reader.byte("signature type") == 0 else { throw .init(what: "its miner transaction is signed") }
        return (begin..<reader.place, extra..<end)
    }

    private static func hashes(_ reader: inout BlockReader) throws(BlockReader.Malformed) -> [Bytes32] {
        let count = try reader.varint("number of transactions")
        guard count <= UInt64((reader.bytes.count - reader.place) / 32) else {
            throw .init(what: "it ends within its transactions")
        }
        var hashes: [Bytes32] = []
        for _ in 0..<count {
            hashes.append(Bytes32(Array(reader.bytes[reader.place..<reader.place + 32]))!)
            try reader.skip(32, "transactions")
        }
        guard reader.place == reader.bytes.count else { throw .init(what: "bytes follow its end") }
        return hashes
    }

    // MARK: What is made of it

    /// What is hashed. Others' reserved bytes make another.
    /// - Parameter extraNonce: 16 bytes at most; nil: as it came
    public func hashingBlob(extraNonce: [UInt8]?) -> [UInt8] {
        let block = block(extraNonce)
        // A transaction of version 2: the hashes of its prefix, of its signature's type, and of nothing that could be pruned.
        let parts = [Keccak256.hash(block[transaction.lowerBound..<extra.upperBound]), Keccak256.hash([0]), Bytes32.zero]
        let own = Keccak256.hash(parts.flatMap(\.bytes))
        return Array(block[header]) + TreeHash.root([own] + others).bytes + Varint.bytes(UInt64(others.count) + 1)
    }

    /// The block to hand in (`submit_block`).
    public func block(extraNonce: [UInt8], nonce: UInt32) -> [UInt8] {
        var block = block(extraNonce)
        for index in 0..<4 { block[Job.nonceOffset + index] = UInt8(truncatingIfNeeded: nonce >> (8 * UInt32(index))) }
        return block
    }

    /// The block's name on the chain (Monero `get_block_hash`): the hash of the hashing blob with its length before it.
    public func id(extraNonce: [UInt8], nonce: UInt32) -> Bytes32 {
        var blob = hashingBlob(extraNonce: extraNonce)
        for index in 0..<4 { blob[Job.nonceOffset + index] = UInt8(truncatingIfNeeded: nonce >> (8 * UInt32(index))) }
        return Keccak256.hash(Varint.bytes(UInt64(blob.count)) + blob)
    }

    private func block(_ extraNonce: [UInt8]?) -> [UInt8] {
        guard let extraNonce else { return block }
        precondition(extraNonce.count <= reserved.count, "\(extraNonce.count) bytes do not fit into \(reserved.count)")
        var block = block
        for index in reserved { block[index] = 0 }
        block.replaceSubrange(reserved.lowerBound..<reserved.lowerBound + extraNonce.count, with: extraNonce)
        return block
    }

    public func job(_ id: String, extraNonce: [UInt8], target: Target) -> Job? {
        Job(id: id, blob: hashingBlob(extraNonce: extraNonce), target: target, seedHash: seedHash, height: height)
    }

    /// What a hash's highest 64 bits are compared with; of what meets it, ``isFound(_:)`` decides.
    public var target: Target { Target(difficulty: UInt64(clamping: difficulty)) }

    /// Whether a hash finds the block: as a number, little-endian, times the difficulty it is below 2²⁵⁶ (Monero `difficulty.cpp`).
    public func isFound(_ hash: Bytes32) -> Bool {
        let words = hash.words
        let limbs: [UInt64] = [words.0.byteSwapped, words.1.byteSwapped, words.2.byteSwapped, words.3.byteSwapped]
        let factors = [UInt64(truncatingIfNeeded: difficulty), UInt64(truncatingIfNeeded: difficulty >> 64)]
        var product = [UInt64](repeating: 0, count: 6)
        for (i, limb) in limbs.enumerated() {
            var carry: UInt64 = 0
            for (j, factor) in factors.enumerated() {
                let sum = UInt128(limb) * UInt128(factor) + UInt128(product[i + j]) + UInt128(carry)
                (product[i + j], carry) = (UInt64(truncatingIfNeeded: sum), UInt64(truncatingIfNeeded: sum >> 64))
            }
            product[i + 2] = carry
        }
        return product[4] == 0 && product[5] == 0
    }
}
