import Foundation
import Synchronization

/// One thread of our own that runs what it is given, in order.
///
/// Two things in Linux belong to a thread, not to a process: the network namespace it is in, and the "kill me when my parent
/// dies" of its children, which fires when the *thread* that made them ends. Threads of a pool end when they please.
final class DedicatedThread: TaskExecutor {
    private enum Work {
        case call(Call)
        case job(UnownedJob)
        case end
    }

    // Unchecked: used by one thread at a time, the caller's before `enqueue` and after `done`, ours between.
    private final class Call: @unchecked Sendable {
        private var body: (() -> Void)?
        private let done = DispatchSemaphore(value: 0)

        init(_ body: @escaping () -> Void) { self.body = body }

        func run() {
            body?()
            // Before the caller goes on: the closure must not outlive what it captured.
            body = nil
            done.signal()
        }

        func wait() { done.wait() }
    }

    // Unchecked: its contents are handed over under the lock, and used by one thread at a time.
    private struct Queue: @unchecked Sendable { var work: [Work] = [] }

    private let queue = Mutex(Queue())
    private let filled = DispatchSemaphore(value: 0)
    private let identity = Mutex<pthread_t?>(nil)

    /// Runs `first` on the new thread before anything else, and gives what it threw.
    init(name: String, first: @escaping @Sendable () throws -> Void = {}) throws {
        let thread = Thread { [self] in
            identity.withLock { $0 = pthread_self() }
            while next() {}
        }
        thread.name = name
        thread.start()
        do { try perform(first) } catch {
            end()
            throw error
        }
    }

    /// The thread ends when it has done what it was given until now.
    func end() { add(.end) }

    /// Runs `body` there and waits for it.
    func perform<Result>(_ body: () throws -> Result) throws -> Result {
        if identity.withLock({ $0.map { pthread_equal($0, pthread_self()) != 0 } ?? false }) { return try body() }
        return try withoutActuallyEscaping(body) { body in
            // Only one of the two threads runs at any moment: this one waits.
            nonisolated(unsafe) var result: Swift.Result<Result, any Error>?
            let call = Call { result = Swift.Result { try body() } }
            add(.call(call))
            call.wait()
            guard let result else { preconditionFailure("the thread signalled without a result") }
            return try result.get()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

    private func add(_ work: Work) {
        queue.withLock { $0.work.append(work) }
        filled.signal()
    }

    private func next() -> Bool {
        filled.wait()
        switch queue.withLock({ Queue(work: [$0.work.removeFirst()]) }).work[0] {
        case .call(let call): call.run()
        case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
        case .end: return false
        }
        return true
    }
}
