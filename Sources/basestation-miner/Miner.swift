import CMiner
import Glibc
import Primitives
import ProofOfWork
import Synchronization

/// Hashes what the daemon says, and nothing else: no network, no files, the lowest place in every queue.
///
/// ```
///  basestationd ── orders ──▶ control thread ──▶ board ◀── hashing threads
///               ◀── reports ──────────────────────┘
/// ```
///
/// It speaks on descriptor 0 (ProofOfWork/WorkerMessage.swift) and ends when nobody is at the other end.
@main
enum Miner {
    /// Milliseconds that it waits for every thread to stand still before it says so: one that was not run in them will stand before it computes.
    static let restLimit: Int32 = 40
    /// Beyond what RandomX needs: stacks, Swift, the C library.
    static let slack: UInt64 = 96 << 20
    static let processLimit = Int(CMINER_THREADS)

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        guard !CommandLine.arguments.contains("--version") else {
            print("0.1.0")
            return
        }
        guard isSocket(Parent.descriptor) else {
            let words = Array(
                "basestation-miner is started by basestationd, not by hand: see \"basestation mining status\"\n".utf8)
            write(2, words, words.count)
            exit(2)
        }
        let (parent, processor) = (Parent(), Processor())
        parent.tell(.hello(WorkerHello(pid: getpid(), isCompiled: processor.isCompiled, hasAES: processor.hasAES)))
        do throws(CanonicalError) {
            try serve(parent, processor)
        } catch { parent.end("an order makes no sense: \(error)") }
    }

    private static func serve(_ parent: Parent, _ processor: Processor) throws(CanonicalError) {
        var crew: Crew?
        var told: UInt64 = 0
        let resting = WorkerFrames.frame(WorkerReport.resting)
        while true {
            switch try parent.order(within: 1_000) {
            case .gone: exit(0)
            case .nothing: break
            case .order(.begin(let plan)):
                guard crew == nil else { parent.end("it was told twice how to work") }
                crew = begin(plan, processor, parent)
            // What came with it in one read lets the threads go on: waiting for it on the socket would be for ever.
            case .order(.rest) where parent.hasNext: parent.tell(.resting)
            case .order(.rest): _ = cminer_rest(Parent.descriptor, resting, resting.count, restLimit)
            case .order(.job(let number, let job)): crew?.board.put(number, job)
            case .order(.check(let number, let seedHash, let blob)):
                guard let crew, crew.board.put(.init(number: number, seedHash: seedHash, blob: blob)) else {
                    parent.end("it was asked to check more shares at once than it can")
                }
            }
            guard let hashes = crew?.hashes.load(ordering: .relaxed), hashes != told else { continue }
            told = hashes
            parent.tell(.progress(hashes: hashes))
        }
    }

    private static func begin(_ plan: WorkerPlan, _ processor: Processor, _ parent: Parent) -> Crew {
        let threads = max(1, min(Int(plan.threads), processLimit))
        let needed = UInt64(256 + (plan.isFast ? 2_081 : 0) + threads * 12) << 20
        let error = cminer_confine(needed + slack)
        guard error == 0 else { parent.end("it cannot be confined: \(String(cString: strerror(-error)))") }
        do throws(Failure) {
            var plan = plan
            plan.threads = UInt8(threads)
            let crew = try Crew(plan, processor, parent)
            try crew.start()
            return crew
        } catch { parent.end(error.words) }
    }

    private static func isSocket(_ descriptor: Int32) -> Bool {
        var (kind, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0
    }
}
