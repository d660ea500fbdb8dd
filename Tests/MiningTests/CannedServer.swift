import NIOCore
import NIOPosix
import Primitives

/// Says the same to everybody who connects, whatever they say, and then nothing more.
struct CannedServer: Sendable {
    let address: Endpoint
    private let channel: any Channel

    /// - Parameter answer: "" for silence
    init(_ answer: String) async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { child in
            child.eventLoop.makeCompletedFuture { try child.pipeline.syncOperations.addHandler(Says(answer)) }
        }.bind(host: "127.0.0.1", port: 0).get()
        address = Endpoint("127.0.0.1:\(channel.localAddress!.port!)")!
    }

    func close() async throws { try await channel.close() }

    private final class Says: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let answer: String
        init(_ answer: String) { self.answer = answer }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
        }
    }
}
