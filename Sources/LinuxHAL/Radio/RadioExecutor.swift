import Dispatch

/// A thread of its own for what waits for hostapd, a driver or a program: seconds, when one of them hangs.
final class RadioExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "radio")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
