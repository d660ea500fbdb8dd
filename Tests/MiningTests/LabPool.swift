import HAL
import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import ProofOfWork
import PublishedVectors
import Stratum
import Synchronization

/// A pool on loopback: our protocol's server side over TCP or TLS. It gives everybody one job, and takes every share that has the form of one.
final class LabPool: Sendable {
    struct Certificate: Decodable {
        var certificate, privateKey, sha256: String
        static let own = PublishedVectors.load("pool-certificate.json", as: Certificate.self)
    }

    private let channel: any Channel
    private let children: Children
    var port: UInt16 { UInt16(channel.localAddress?.port ?? 0) }

    init(_ job: Job, port: Int = 0, usesTLS: Bool = false) async throws {
        let context = usesTLS ? try Self.context() : nil
        let children = Children()
        self.children = children
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if let context { try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
                    try child.pipeline.syncOperations.addHandler(Answers(job))
                    children.open.withLock { $0.append(child) }
                }
            }.bind(host: "127.0.0.1", port: port).get()
    }

    /// With all who are connected.
    func close() async throws {
        try await channel.close()
        for child in children.open.withLock({ $0 }) where child.isActive { try await child.close() }
    }

    private final class Children: Sendable {
        let open = Mutex<[any Channel]>([])
    }

    private static func context() throws -> NIOSSLContext {
        let own = Certificate.own
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: NIOSSLCertificate.fromPEMBytes(Array(own.certificate.utf8)).map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(bytes: Array(own.privateKey.utf8), format: .pem))))
    }

    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let job: Job
        private var lines = StratumLines(limit: StratumLines.minerLimit)
        private var session = StratumSession(.xmrigProxy, id: "1be0b7b6", at: .zero)

        init(_ job: Job) { self.job = job }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            lines.append(unwrapInboundIn(data).readableBytesView)
            while let line = try? lines.next() { perform(session.handle(line, at: .zero), context) }
        }

        private func perform(_ actions: [StratumSession.Action], _ context: ChannelHandlerContext) {
            for action in actions {
                switch action {
                case .send(let line): context.writeAndFlush(NIOAny(ByteBuffer(bytes: line)), promise: nil)
                case .authorize: perform(session.admit(job), context)
                case .check(let submission): perform([session.accept(submission)], context)
                case .refused, .statement: break
                case .close, .ban: context.close(promise: nil)
                }
            }
        }
    }
}

/// Time runs a hundred times as fast: half a minute of patience is a third of a second.
struct FastClocks: Clocks {
    private static let speed: Int64 = 100
    private let real = RealClocks()
    private let start = RealClocks().now().boot
    var bootID: String { "test" }
    func now() -> Moment {
        let passed = real.now().boot - start
        return Moment(boot: start + Nanoseconds(passed.count * Self.speed), wall: WallTime(secondsSince1970: 0))
    }
    func sleep(_ interval: Nanoseconds) async throws { try await real.sleep(Nanoseconds(interval.count / Self.speed)) }
}
