import CLinux
import Glibc
import HAL

/// A descriptor that ends another thread's wait.
final class WakeEnd: Sendable {
    let descriptor: Int32

    init(for purpose: String) throws(HALError) {
        descriptor = clinux_eventfd()
        guard descriptor >= 0 else {
            throw HALError(.full, "cannot \(purpose): no descriptor left", mend: "raise LimitNOFILE")
        }
    }

    deinit { close(descriptor) }

    func up() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)  // full means that it is woken already
    }
}

/// Runs `body` on a thread of its own, for what waits in the kernel and would hold one of the pool's threads.
func startThread(_ body: @escaping @Sendable () -> Void) throws(HALError) {
    final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    var thread = pthread_t()
    let context = Unmanaged.passRetained(Body(body))
    let error = pthread_create(
        &thread, nil,
        { context in
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
    guard error == 0 else {
        context.release()
        throw HALError(.full, "no thread could be started", mend: "raise TasksMax of the unit")
    }
    pthread_detach(thread)
}
