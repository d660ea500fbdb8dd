public import Primitives

/// Cuts a stream of bytes into the payloads of frames.
public struct WorkerFrames: Sendable {
    /// A job with the largest blob, and some.
    public static let payloadLimit = 512
    private var held: [UInt8] = []

    public init() {}

    public static func frame(_ message: some Canonical) -> [UInt8] {
        let payload = message.canonicalBytes
        precondition(payload.count <= payloadLimit, "a frame of \(payload.count) bytes")
        return [UInt8(truncatingIfNeeded: payload.count), UInt8(truncatingIfNeeded: payload.count >> 8)] + payload
    }

    public mutating func append(_ bytes: some Sequence<UInt8>) { held += bytes }

    /// Whether the next payload is here, or bytes that make no sense.
    public var hasNext: Bool { held.count >= 2 && held.count >= 2 + (Int(held[0]) | Int(held[1]) << 8) }

    /// The next payload; nil until more bytes come.
    public mutating func next() throws(CanonicalError) -> [UInt8]? {
        guard held.count >= 2 else { return nil }
        let count = Int(held[0]) | Int(held[1]) << 8
        guard count <= Self.payloadLimit else { throw .tooLong(length: count, limit: Self.payloadLimit) }
        guard held.count >= 2 + count else { return nil }
        defer { held.removeFirst(2 + count) }
        return Array(held[2..<2 + count])
    }
}

extension WorkerOrder: Canonical {
    public init() { self = .rest }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        switch try coder.tag(tag) {
        case 0:
            var plan = WorkerPlan(isFast: false, threads: 1, usesHugePages: false)
            if case .begin(let held) = self { plan = held }
            try coder.bool(&plan.isFast)
            try coder.integer(&plan.threads)
            try coder.bool(&plan.usesHugePages)
            self = .begin(plan)
        case 1:
            var (number, job) = (UInt32(0), WorkerJob(seedHash: .zero, blob: [], target: 0, firstNonce: 0, keepsHighByte: false))
            if case .job(let heldNumber, let held) = self { (number, job) = (heldNumber, held) }
            try coder.integer(&number)
            try coder.fixed(&job.seedHash)
            try coder.blob(&job.blob)
            try coder.integer(&job.target)
            try coder.integer(&job.firstNonce)
            try coder.bool(&job.keepsHighByte)
            self = .job(number: number, job)
        case 2: self = .rest
        case 3:
            var (number, seed, blob) = (UInt32(0), Bytes32.zero, [UInt8]())
            if case .check(let heldNumber, let heldSeed, let held) = self { (number, seed, blob) = (heldNumber, heldSeed, held) }
            try coder.integer(&number)
            try coder.fixed(&seed)
            try coder.blob(&blob)
            self = .check(number: number, seedHash: seed, blob: blob)
        case let other: throw .invalid("there is no order \(other)")
        }
    }

    private var tag: UInt8 {
        switch self {
        case .begin: 0
        case .job: 1
        case .rest: 2
        case .check: 3
        }
    }
}

extension WorkerReport: Canonical {
    /// Of the words of a failure, in bytes.
    public static let wordsLimit = 400

    public init() { self = .progress(hashes: 0) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        switch try coder.tag(tag) {
        case 0:
            var hello = WorkerHello(pid: 0, isCompiled: false, hasAES: false)
            if case .hello(let held) = self { hello = held }
            try coder.integer(&hello.version)
            try coder.integer(&hello.pid)
            try coder.bool(&hello.isCompiled)
            try coder.bool(&hello.hasAES)
            self = .hello(hello)
        case 1:
            var (seed, memory) = (Bytes32.zero, WorkerMemory(isFast: false, hasHugePages: false, threads: 0))
            if case .ready(let heldSeed, let held) = self { (seed, memory) = (heldSeed, held) }
            try coder.fixed(&seed)
            try coder.bool(&memory.isFast)
            try coder.bool(&memory.hasHugePages)
            try coder.integer(&memory.threads)
            self = .ready(seedHash: seed, memory)
        case 2:
            var (number, nonce, hash) = (UInt32(0), UInt32(0), Bytes32.zero)
            if case .share(let heldNumber, let heldNonce, let held) = self {
                (number, nonce, hash) = (heldNumber, heldNonce, held)
            }
            try coder.integer(&number)
            try coder.integer(&nonce)
            try coder.fixed(&hash)
            self = .share(number: number, nonce: nonce, hash: hash)
        case 3:
            var hashes = UInt64(0)
            if case .progress(let held) = self { hashes = held }
            try coder.integer(&hashes)
            self = .progress(hashes: hashes)
        case 4:
            var (number, hash) = (UInt32(0), Bytes32.zero)
            if case .checked(let heldNumber, let held) = self { (number, hash) = (heldNumber, held) }
            try coder.integer(&number)
            try coder.fixed(&hash)
            self = .checked(number: number, hash: hash)
        case 5: self = .resting
        case 6:
            var words = ""
            if case .failure(let held) = self { words = held }
            try coder.text(&words, limit: Self.wordsLimit)
            self = .failure(words)
        case let other: throw .invalid("there is no report \(other)")
        }
    }

    private var tag: UInt8 {
        switch self {
        case .hello: 0
        case .ready: 1
        case .share: 2
        case .progress: 3
        case .checked: 4
        case .resting: 5
        case .failure: 6
        }
    }
}

extension CanonicalCoder {
    /// A blob with a place for the nonce.
    fileprivate mutating func blob(_ blob: inout [UInt8]) throws(CanonicalError) {
        try bytes(&blob, limit: Job.blobLimit)
        guard blob.count >= Job.leastBlob else { throw .invalid("a blob of \(blob.count) bytes has no place for a nonce") }
    }
}
