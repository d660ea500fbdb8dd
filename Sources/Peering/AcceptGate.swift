import NIOCore
import Primitives
import Synchronization

/// The inbound guard where connections arrive: on the event loops, before anything is spent on them.
final class AcceptGate: Sendable {
    private let state: Mutex<InboundGuard>
    private let book: PeerBook
    private let now: @Sendable () -> Moment

    init(_ limits: PeeringLimits, book: PeerBook, now: @escaping @Sendable () -> Moment) {
        state = Mutex(InboundGuard(limits, at: now().boot))
        (self.book, self.now) = (book, now)
    }

    /// Whether `channel` may stay. Its place is free again when it has closed.
    func admit(_ channel: any Channel) -> Bool {
        guard let address = channel.remoteAddress.flatMap(Endpoint.init)?.address else { return false }
        let moment = now().boot
        guard !book.read({ $0.standings.isBanned(.subscriber(.subscriber(address)), at: moment) }),
            state.withLock({ $0.admit(address, at: moment) })
        else { return false }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.release(address) } }
        return true
    }

    var count: Int { state.withLock { $0.count } }
}
