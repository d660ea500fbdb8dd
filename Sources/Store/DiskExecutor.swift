import Dispatch

/// A thread of its own for what waits for the disk.
///
/// The threads that run all other actors are as few as the processors: an fsync on one of them, up to a tenth of a second on
/// a card, would hold up a processor's worth of the daemon.
final class DiskExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "disk")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
