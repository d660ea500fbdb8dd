import Primitives
import ProofOfWork
import SimulatedHAL
import Testing

@Suite struct WorkerFrameTests {
    static let blob = [UInt8](repeating: 3, count: Job.blobLimit)
    static let orders: [WorkerOrder] = [
        .begin(WorkerPlan(isFast: true, threads: 4, usesHugePages: true)), .rest,
        .job(number: 7, WorkerJob(seedHash: .zero, blob: blob, target: 9, firstNonce: 3, keepsHighByte: true)),
        .check(number: 8, seedHash: .zero, blob: blob),
    ]
    static let reports: [WorkerReport] = [
        .hello(WorkerHello(pid: 12, isCompiled: true, hasAES: false)), .progress(hashes: .max), .resting,
        .ready(seedHash: .zero, WorkerMemory(isFast: true, hasHugePages: false, threads: 3)),
        .share(number: 1, nonce: .max, hash: .zero), .checked(number: 2, hash: .zero), .failure("no memory"),
    ]

    /// However the stream is cut into pieces.
    @Test(arguments: 0..<50 as Range<UInt64>) func whatIsSaidIsUnderstood(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let stream = Self.orders.flatMap { WorkerFrames.frame($0) } + Self.reports.flatMap { WorkerFrames.frame($0) }
        var (frames, left, payloads) = (WorkerFrames(), stream[...], [[UInt8]]())
        while !left.isEmpty {
            let count = Int.random(in: 1...64, using: &random)
            frames.append(left.prefix(count))
            left = left.dropFirst(count)
            while let payload = try frames.next() { payloads.append(payload) }
        }
        #expect(try payloads.prefix(Self.orders.count).map { try WorkerOrder(canonicalBytes: $0) } == Self.orders, "seed \(seed)")
        #expect(try payloads.dropFirst(Self.orders.count).map { try WorkerReport(canonicalBytes: $0) } == Self.reports)
    }

    @Test func aFrameThatIsTooLongIsRefusedBeforeItCame() {
        var frames = WorkerFrames()
        frames.append([0xff, 0xff])
        #expect(throws: CanonicalError.self) { try frames.next() }
    }

    @Test(arguments: [0, Job.leastBlob - 1, Job.blobLimit + 1]) func aBlobWithoutPlaceForANonceIsNoJob(count: Int) {
        let blob = [UInt8](repeating: 0, count: count)
        #expect(Job(id: "1", blob: blob, target: Target(difficulty: 1), seedHash: .zero) == nil)
        let order = WorkerOrder.check(number: 1, seedHash: .zero, blob: blob)
        #expect(throws: CanonicalError.self) { try WorkerOrder(canonicalBytes: try order.encoded()) }
    }

    @Test func aNonceStandsWhereMoneroHasIt() throws {
        var job = try #require(Job(id: "1", blob: Array(0..<76), target: Target(difficulty: 1), seedHash: .zero))
        #expect(job.nonce == 0x2a29_2827)
        job.nonce = 0x0102_0304
        #expect(job.blob[39..<43] == [4, 3, 2, 1] && job.blob[38] == 38 && job.blob[43] == 43)
        #expect(Share(jobID: "1", nonce: job.nonce, hash: .zero).nonceHex == "04030201")
    }
}
