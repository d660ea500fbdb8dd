import CLinux
import Glibc
import HAL
import Netlink
import Synchronization

/// One thread that listens to the kernel's news of links and neighbours and tells one stream.
///
/// Unchecked: the socket and the picture belong to the thread once it runs; `wake` is only ever written to.
final class LinkWatcher: @unchecked Sendable {
    private let socket: RouteEventSocket
    private let wake: Int32
    private let continuation: AsyncStream<LinkEvent>.Continuation
    private var picture: LinkPicture

    init(in namespace: NetworkNamespace?, _ continuation: AsyncStream<LinkEvent>.Continuation) throws(HALError) {
        // Listening starts before the table is read: what changes in between is told twice, not lost.
        socket = try netlink("listen to link events") { () throws(NetlinkError) in try RouteEventSocket(in: namespace) }
        let links = try netlink("read the interfaces") { () throws(NetlinkError) in try RouteSocket(in: namespace).links() }
        wake = clinux_eventfd()
        guard wake >= 0 else {
            throw HALError(.full, "cannot listen to link events: no descriptor left", mend: "raise LimitNOFILE")
        }
        picture = LinkPicture(links)
        self.continuation = continuation
    }

    deinit { Glibc.close(wake) }

    func start() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let error = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<LinkWatcher>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        guard error == 0 else {
            Unmanaged<LinkWatcher>.fromOpaque(context).release()
            return continuation.finish()
        }
        pthread_detach(thread)
    }

    /// The thread ends at once, and the stream with it.
    func stop() {
        var one: UInt64 = 1
        _ = write(wake, &one, MemoryLayout<UInt64>.size)  // full means that it is woken already
    }

    private func run() {
        defer { continuation.finish() }
        while true {
            let ready = clinux_poll_two(socket.descriptor, wake)
            guard ready == 1 else { return }
            do throws(NetlinkError) {
                try socket.receive { event in
                    for news in picture.take(event) { tell(news) }
                }
            } catch {
                guard error == .overrun else { return }
                picture.forgetNeighbours()
                tell(.resync)
            }
        }
    }

    private func tell(_ event: LinkEvent) {
        // What had to be dropped was older than this; the reader will come to it last.
        if case .dropped = continuation.yield(event), event != .resync { continuation.yield(.resync) }
    }
}
