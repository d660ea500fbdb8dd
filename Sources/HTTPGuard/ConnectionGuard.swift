public import HummingbirdCore
public import NIOCore
import Primitives
import Synchronization

/// Keeps strangers from holding connections: so many from one address, so many in all, and none for long.
public final class ConnectionGuard: Sendable {
    /// What callers may hold.
    public struct Limits: Sendable {
        /// A browser opens six; a household behind one address a few more.
        public var perAddress = 16
        public var inAll = 512
        /// A request and its answer take milliseconds. Whoever drips its bytes is cut off.
        public var lifetime = TimeAmount.seconds(20)

        public init() {}
    }

    private let limits: Limits
    private let open = Mutex<(all: Int, byAddress: [IPAddress: Int])>((0, [:]))

    public init(_ limits: Limits = Limits()) { self.limits = limits }

    /// How an HTTP server is to treat its callers.
    public func configuration() -> HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [Handler(self)], idleTimeout: .seconds(10),
            httpDecoderConfiguration: .init(maxHeaderFieldSize: 8_192, maxHeaderListSize: 16_384, maxHeaderFieldCount: 64))
    }

    fileprivate func enter(_ address: IPAddress) -> Bool {
        open.withLock { open in
            guard open.all < limits.inAll, open.byAddress[address, default: 0] < limits.perAddress else { return false }
            open.all += 1
            open.byAddress[address, default: 0] += 1
            return true
        }
    }

    fileprivate func leave(_ address: IPAddress) {
        open.withLock { open in
            open.all -= 1
            let left = open.byAddress[address, default: 1] - 1
            open.byAddress[address] = left > 0 ? left : nil
        }
    }

    private final class Handler: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        private let guarding: ConnectionGuard
        private var address: IPAddress?
        private var deadline: Scheduled<Void>?

        init(_ guarding: ConnectionGuard) { self.guarding = guarding }

        func handlerAdded(context: ChannelHandlerContext) {
            if context.channel.isActive { begin(context) }
        }

        func channelActive(context: ChannelHandlerContext) {
            begin(context)
            context.fireChannelActive()
        }

        func channelInactive(context: ChannelHandlerContext) {
            end()
            context.fireChannelInactive()
        }

        func handlerRemoved(context: ChannelHandlerContext) { end() }

        private func begin(_ context: ChannelHandlerContext) {
            guard address == nil, deadline == nil else { return }
            let caller = context.remoteAddress?.ipAddress.flatMap { IPAddress(String($0.prefix { $0 != "%" })) }?.unmapped
            let channel = context.channel
            guard let caller, guarding.enter(caller) else { return channel.close(promise: nil) }
            address = caller
            deadline = context.eventLoop.scheduleTask(in: guarding.limits.lifetime) { channel.close(promise: nil) }
        }

        private func end() {
            deadline?.cancel()
            if let address { guarding.leave(address) }
            (address, deadline) = (nil, nil)
        }
    }
}
