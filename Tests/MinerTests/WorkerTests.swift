import Glibc
import Primitives
import ProofOfWork
import PublishedVectors
import Testing

/// The process that hashes, as it is shipped.
@Suite(.serialized) struct WorkerTests {
    struct Vectors: Decodable {
        struct Vector: Decodable { var seed, blob, hash: String }
        var hashes: [Vector]
    }

    static let vectors = PublishedVectors.load("randomx-hashes.json", as: Vectors.self).hashes
    static let seed = Bytes32(vectors[0].seed)!
    static let blob = Hex.decode(vectors[0].blob)!

    static func job(_ target: Target, firstNonce: UInt32 = 0, keepsHighByte: Bool = false) -> WorkerJob {
        WorkerJob(seedHash: seed, blob: blob, target: target.bound, firstNonce: firstNonce, keepsHighByte: keepsHighByte)
    }

    @Test func hashesAreWhatAnotherImplementationFinds() throws {
        let worker = try Worker()
        #expect(Self.vectors.count >= 12)
        for vector in Self.vectors {
            let hash = try worker.hash(Hex.decode(vector.blob)!, seed: Bytes32(vector.seed)!)
            #expect(hash?.description == vector.hash)
        }
    }

    /// Two threads, and a pool that owns the highest byte: each share is a true one, and no nonce is tried twice.
    @Test(arguments: [false, true]) func sharesAreTrue(keepsHighByte: Bool) throws {
        let worker = try Worker(WorkerPlan(isFast: false, threads: 2, usesHugePages: true))
        let target = Target(difficulty: 2)
        worker.tell(.job(number: 1, Self.job(target, firstNonce: 0xabff_fffe, keepsHighByte: keepsHighByte)))
        var nonces: Set<UInt32> = []
        let job = try #require(Job(id: "1", blob: Self.blob, target: target, seedHash: Self.seed))
        var shares: [(UInt32, Bytes32)] = []
        while shares.count < 8 {
            shares.append(
                try #require(try worker.next { if case .share(1, let nonce, let hash) = $0 { (nonce, hash) } else { nil } }))
        }
        let checker = try Worker()
        for (nonce, hash) in shares {
            #expect(nonces.insert(nonce).inserted)
            #expect(target.isMet(by: hash))
            #expect(nonce >> 24 == 0xab || !keepsHighByte)
            #expect(try checker.hash(job.blob(with: nonce), seed: Self.seed) == hash)
        }
    }

    @Test func aNewJobReplacesTheOneBefore() throws {
        let worker = try Worker()
        worker.tell(.job(number: 1, Self.job(Target(difficulty: 1))))
        _ = try worker.next { if case .share(1, _, _) = $0 { true } else { nil } }
        worker.tell(.job(number: 2, Self.job(Target(difficulty: 1), firstNonce: 1_000_000)))
        let nonce = try worker.next { report -> UInt32? in if case .share(2, let nonce, _) = report { nonce } else { nil } }
        #expect((1_000_000...1_000_001).contains(try #require(nonce)))
        // nothing of the old one comes after
        for _ in 0..<4 {
            let number = try worker.next { report -> UInt32? in if case .share(let number, _, _) = report { number } else { nil }
            }
            #expect(number == 2)
        }
    }

    /// Also in the midst of preparing a cache, which takes longer than anybody may wait.
    @Test(arguments: [false, true]) func whoIsToldToRestStandsStillAtOnce(preparing: Bool) throws {
        let worker = try Worker(WorkerPlan(isFast: false, threads: 2, usesHugePages: false))
        worker.tell(.job(number: 1, Self.job(Target(difficulty: 1))))
        if !preparing { _ = try worker.next { if case .share = $0 { true } else { nil } } } else { usleep(100_000) }
        var began = timespec()
        clock_gettime(CLOCK_MONOTONIC, &began)
        worker.tell(.rest)
        let rests = try worker.next(within: 10) { if case .resting = $0 { true } else { nil } }
        var ended = timespec()
        clock_gettime(CLOCK_MONOTONIC, &ended)
        let milliseconds = (ended.tv_sec - began.tv_sec) * 1_000 + (ended.tv_nsec - began.tv_nsec) / 1_000_000
        #expect(rests == true)
        #expect(milliseconds < 5_000, "it took \(milliseconds) ms")
        let ticks = worker.ticks
        usleep(300_000)
        #expect(worker.ticks - ticks <= 1, "it still computes")
        worker.tell(.job(number: 2, Self.job(Target(difficulty: 1))))
        #expect(try worker.next { if case .share(2, _, _) = $0 { true } else { nil } } == true)
    }

    @Test func aRestThatIsOverWhenItIsHeardOfIsNone() throws {
        let worker = try Worker()
        worker.tell(.job(number: 1, Self.job(Target(difficulty: 1))))
        _ = try worker.next { if case .share = $0 { true } else { nil } }
        worker.tell(.rest, .job(number: 2, Self.job(Target(difficulty: 1))))
        #expect(try worker.next(within: 10) { if case .resting = $0 { true } else { nil } } == true)
        #expect(try worker.next(within: 10) { if case .share(2, _, _) = $0 { true } else { nil } } == true)
    }

    @Test func itEndsWithTheDaemonAlsoWhenItRests() throws {
        let worker = try Worker()
        worker.tell(.job(number: 1, Self.job(Target(difficulty: 1))))
        _ = try worker.next { if case .share = $0 { true } else { nil } }
        worker.tell(.rest)
        _ = try worker.next { if case .resting = $0 { true } else { nil } }
        shutdown(worker.end, Int32(SHUT_WR))
        #expect(try worker.next(within: 5) { _ in nil as Bool? } == nil)
    }

    @Test(arguments: [[0xff, 0xff, 0], [1, 0, 9], [2, 0, 1, 1], [0, 0]] as [[UInt8]]) func ordersThatMakeNoSenseEndIt(
        bytes: [UInt8]
    ) throws {
        let worker = try Worker()
        _ = send(worker.end, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        let words = try worker.next(within: 10) { if case .failure(let words) = $0 { words } else { nil } }
        #expect(words?.contains("makes no sense") == true)
        #expect(try worker.next(within: 5) { _ in nil as Bool? } == nil)
    }

    @Test func itMayDoNothingButHash() throws {
        let worker = try Worker()
        _ = try worker.hash(Self.blob, seed: Self.seed)
        let status = try String(contentsOf: worker.pid)
        #expect(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"))
    }
}

extension String {
    fileprivate init(contentsOf pid: Int32) throws {
        let file = try #require(fopen("/proc/\(pid)/status", "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 8_192)
        let count = fread(&bytes, 1, bytes.count, file)
        self.init(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
