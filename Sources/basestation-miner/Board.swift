import Glibc
import Primitives
import ProofOfWork
import Synchronization

/// What is to be done, and who does what of it: the threads ask here for their next task, the control thread puts orders up.
///
/// ```
///  order ─▶ board ─▶ prepare the cache (one thread) ─▶ prepare the dataset (all, in pieces) ─▶ hash (all) or check (one)
/// ```
///
/// The cache is written only while no thread hashes.
final class Board: @unchecked Sendable {  // every stored value is read and written under the lock
    enum Task {
        case cache(Bytes32)
        case dataset(Range<Int>)
        case hash(Hashing)
        case check(Check)
    }

    struct Hashing {
        var number: UInt32
        var job: WorkerJob
        var generation: UInt32
    }

    struct Check {
        var number: UInt32
        var seedHash: Bytes32
        var blob: [UInt8]
    }

    private enum Preparation: Equatable {
        case none
        case cache(Bytes32)
        /// `next` item to give away, `left` to be done.
        case dataset(Bytes32, next: Int, left: Int)
        case done(Bytes32)
    }

    /// A pool that asks for more at once does not listen to the answers.
    static let checksLimit = 256
    private static let piece = 16_384

    /// Changes when what is hashed is no longer wanted. Read by hashing threads after each hash.
    let generation = Atomic<UInt32>(0)
    private let hasDataset: Bool
    private var lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var preparation = Preparation.none
    private var job: (number: UInt32, job: WorkerJob)?
    private var checks: [Check] = []
    private var busy = 0
    /// Told once for each seed, with the lock held.
    private let ready: @Sendable (Bytes32) -> Void

    init(hasDataset: Bool, ready: @escaping @Sendable (Bytes32) -> Void) {
        (self.hasDataset, self.ready) = (hasDataset, ready)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(change, nil)
    }

    // MARK: Orders

    func put(_ number: UInt32, _ job: WorkerJob) {
        locked { self.job = (number, job) }
    }

    /// - Returns: false when too many wait already.
    func put(_ check: Check) -> Bool {
        locked {
            guard checks.count < Self.checksLimit else { return false }
            checks.append(check)
            return true
        }
    }

    private func locked<Result>(_ change: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer {
            generation.wrappingAdd(1, ordering: .releasing)
            pthread_cond_broadcast(self.change)
            pthread_mutex_unlock(lock)
        }
        return change()
    }

    // MARK: Threads

    /// The next task; `last` is done. Waits until there is one.
    func next(after last: Task?) -> Task {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if let last { finish(last) }
        while true {
            if let task = pick() { return task }
            pthread_cond_wait(change, lock)
        }
    }

    private func finish(_ task: Task) {
        switch task {
        case .cache(let seed):
            if hasDataset {
                preparation = .dataset(seed, next: 0, left: Dataset.items)
            } else {
                complete(seed)
            }
        case .dataset(let items):
            guard case .dataset(let seed, let next, let left) = preparation else { break }
            if left == items.count { complete(seed) } else { preparation = .dataset(seed, next: next, left: left - items.count) }
        case .hash, .check: busy -= 1
        }
        pthread_cond_broadcast(change)
    }

    private func complete(_ seed: Bytes32) {
        preparation = .done(seed)
        ready(seed)
    }

    private func pick() -> Task? {
        switch preparation {
        case .cache: return nil
        case .dataset(let seed, let next, let left):
            guard next < Dataset.items else { return nil }
            let items = next..<min(next + Self.piece, Dataset.items)
            preparation = .dataset(seed, next: items.upperBound, left: left)
            return .dataset(items)
        case .none, .done: return work()
        }
    }

    private func work() -> Task? {
        guard let seed = checks.first?.seedHash ?? job?.job.seedHash else { return nil }
        guard preparation == .done(seed) else {
            guard busy == 0 else { return nil }
            preparation = .cache(seed)
            return .cache(seed)
        }
        busy += 1
        if let check = checks.first {
            checks.removeFirst()
            return .check(check)
        }
        guard let job else { preconditionFailure("a seed was found and nothing to hash with it") }
        return .hash(Hashing(number: job.number, job: job.job, generation: generation.load(ordering: .acquiring)))
    }
}
