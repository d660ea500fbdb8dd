import CMiner
import Glibc
import Primitives
import ProofOfWork
import Synchronization

/// The threads that hash, each with a machine of its own.
final class Crew: @unchecked Sendable {  // what changes is an atomic or behind the board's lock
    let board: Board
    let hashes = Atomic<UInt64>(0)
    private let plan: WorkerPlan
    private let processor: Processor
    private let cache: Cache
    private let dataset: Dataset?
    private let parent: Parent

    /// - Throws: what could not be had, in words.
    init(_ plan: WorkerPlan, _ processor: Processor, _ parent: Parent) throws(Failure) {
        guard let cache = Cache(processor, hugePages: plan.usesHugePages) else {
            throw Failure("256 MiB of memory for RandomX's cache are not to be had")
        }
        let dataset = plan.isFast ? Dataset(hugePages: plan.usesHugePages) : nil
        if plan.isFast, dataset == nil {
            throw Failure("2,080 MiB of memory for RandomX's dataset are not to be had: mine in light mode")
        }
        (self.plan, self.processor, self.parent, self.cache, self.dataset) = (plan, processor, parent, cache, dataset)
        let memory = WorkerMemory(
            isFast: dataset != nil, hasHugePages: (dataset?.hasHugePages ?? true) && cache.hasHugePages, threads: plan.threads)
        board = Board(hasDataset: dataset != nil) { parent.tell(.ready(seedHash: $0, memory)) }
    }

    func start() throws(Failure) {
        for number in 0..<Int(plan.threads) {
            let box = Unmanaged.passRetained(Member(self, number))
            var thread = pthread_t()
            let error = pthread_create(&thread, nil, { Member.run($0!) }, box.toOpaque())
            guard error == 0 else {
                throw Failure("thread \(number + 1) of \(plan.threads) does not start: \(String(cString: strerror(error)))")
            }
        }
    }

    private final class Member {
        let crew: Crew
        let number: Int
        init(_ crew: Crew, _ number: Int) { (self.crew, self.number) = (crew, number) }

        static func run(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
            let member = Unmanaged<Member>.fromOpaque(pointer).takeRetainedValue()
            member.crew.work(member.number)
            return nil
        }
    }

    private func work(_ number: Int) {
        _ = cminer_yield_always()
        guard cminer_holdable(Int32(number)) == 0 else { parent.end("thread \(number + 1) of \(plan.threads) cannot be held") }
        var (task, hand): (Board.Task?, Hand?) = (nil, nil)
        while true {
            let next = board.next(after: task)
            task = next
            switch next {
            case .cache(let seed): held { cache.prepare(seed) }
            case .dataset(let items): held { dataset?.prepare(items, from: cache) }
            case .hash(let hashing):
                hand = ready(hand, for: hashing.job.seedHash, number)
                hash(hashing, on: hand!.machine, number)
            case .check(let check):
                hand = ready(hand, for: check.seedHash, number)
                parent.tell(.checked(number: check.number, hash: hand!.machine.hash(check.blob)))
            }
        }
    }

    /// A machine, and the seed it was made for.
    private struct Hand {
        var machine: Machine
        var seed: Bytes32
    }

    private func ready(_ hand: Hand?, for seed: Bytes32, _ number: Int) -> Hand {
        if let hand {
            if hand.seed != seed { hand.machine.renew(cache, dataset) }
            return Hand(machine: hand.machine, seed: seed)
        }
        guard let machine = Machine(processor, cache, dataset, hugePages: plan.usesHugePages) else {
            parent.end("thread \(number + 1) of \(plan.threads) has no memory to hash in: mine with fewer threads")
        }
        return Hand(machine: machine, seed: seed)
    }

    /// May stand still meanwhile.
    private func held(_ work: () -> Void) {
        cminer_enter()
        work()
        cminer_leave()
    }

    /// Until something else is wanted. Each thread takes every n-th nonce.
    private func hash(_ hashing: Board.Hashing, on machine: Machine, _ number: Int) {
        var nonces = Nonces(hashing.job, number: number, of: Int(plan.threads))
        var blob = hashing.job.blob
        var hash = [UInt8](repeating: 0, count: 32)
        var nonce = nonces.next(into: &blob)
        blob.withUnsafeBufferPointer { machine.begin($0) }
        while board.generation.load(ordering: .relaxed) == hashing.generation {
            let following = nonces.next(into: &blob)
            cminer_enter()
            blob.withUnsafeBufferPointer { machine.next($0, into: &hash) }
            cminer_leave()
            hashes.wrappingAdd(1, ordering: .relaxed)
            if Bytes32(hash)!.work < hashing.job.target {
                parent.tell(.share(number: hashing.number, nonce: nonce, hash: Bytes32(hash)!))
            }
            nonce = following
        }
    }
}

/// A thread's nonces: from its place on, in steps of as many as there are threads; within 24 bits if the highest byte is the pool's.
struct Nonces {
    private var nonce: UInt32
    private let step: UInt32
    private let mask: UInt32
    private let fixed: UInt32

    init(_ job: WorkerJob, number: Int, of threads: Int) {
        mask = job.keepsHighByte ? 0x00ff_ffff : .max
        fixed = job.firstNonce & ~mask
        step = UInt32(truncatingIfNeeded: threads)
        nonce = job.firstNonce &+ UInt32(truncatingIfNeeded: number)
    }

    mutating func next(into blob: inout [UInt8]) -> UInt32 {
        let value = nonce & mask | fixed
        for index in 0..<4 { blob[Job.nonceOffset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
        nonce &+= step
        return value
    }
}
