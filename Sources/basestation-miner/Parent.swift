import Glibc
import Primitives
import ProofOfWork

/// Why this process cannot go on.
struct Failure: Error {
    var words: String
    init(_ words: String) { self.words = words }
}

/// The daemon, at the other end of descriptor 0.
final class Parent: @unchecked Sendable {  // the lock keeps frames whole
    static let descriptor: Int32 = 0
    private var lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var frames = WorkerFrames()

    init() { pthread_mutex_init(lock, nil) }

    /// Says it, or ends: whoever was to hear it is gone.
    func tell(_ report: WorkerReport) {
        let frame = WorkerFrames.frame(report)
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes {
                send(Self.descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 || errno == EINTR else { exit(0) }
            sent += max(0, count)
        }
    }

    func end(_ words: String) -> Never {
        tell(.failure(String(words.prefix(WorkerReport.wordsLimit / 4))))
        exit(1)
    }

    /// Whether an order has come that was not looked at yet.
    var hasNext: Bool { frames.hasNext }

    /// The next order; nil when `milliseconds` are over, or the daemon is gone.
    func order(within milliseconds: Int32) throws(CanonicalError) -> Waited {
        if let payload = try frames.next() { return .order(try WorkerOrder(canonicalBytes: payload)) }
        var waiting = pollfd(fd: Self.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, milliseconds) > 0 else { return .nothing }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(Self.descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return count < 0 && errno == EINTR ? .nothing : .gone }
        frames.append(bytes[..<count])
        return .nothing
    }

    enum Waited { case order(WorkerOrder), nothing, gone }
}
