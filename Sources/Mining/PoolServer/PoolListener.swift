import HAL
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Primitives

/// What a miner is told, in order. Whoever does not read it is let go.
struct PoolLink: Sendable {
    /// Jobs come twice a minute: that one reads nothing any more.
    static let linesMax = 64
    let lines: AsyncStream<[UInt8]>.Continuation
    let close: @Sendable () -> Void

    func send(_ line: [UInt8]) {
        if case .dropped = lines.yield(line) { close() }
    }

    /// After what was said.
    func finish() { lines.finish() }
}

/// Connections of miners.
extension PoolServer {
    private typealias Client = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    /// For what was said last.
    private static let farewell = TimeAmount.seconds(5)

    func listen() async {
        while !Task.isCancelled {
            do { try await acceptMiners() } catch {
                let why = NetworkWords.of(error)
                if tally.listenTrouble != why, !Task.isCancelled {
                    logger.error("mining pool: nobody can connect to \(settings.listen): \(why)")
                }
                tally.listenTrouble = why
            }
            port = nil
            do { try await clocks.sleep(Self.listenPause) } catch { return }  // cancelled
        }
    }

    private func acceptMiners() async throws {
        let server = try await ServerBootstrap(group: loops)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .bind(host: "\(settings.listen.address)", port: Int(settings.listen.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = self.tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    return try Client(wrappingChannelSynchronously: channel)
                }
            }
        port = server.channel.localAddress?.port.map { UInt16(clamping: $0) }
        tally.listenTrouble = nil
        logger.notice("mining pool: miners may connect to \(settings.listen)")
        try await server.executeThenClose { clients in
            try await withThrowingDiscardingTaskGroup { group in
                for try await client in clients { group.addTask { await self.serve(client) } }
            }
        }
    }

    private nonisolated func serve(_ client: Client) async {
        let (lines, continuation) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingOldest(PoolLink.linesMax))
        let channel = client.channel
        let link = PoolLink(lines: continuation) { channel.close(promise: nil) }
        let address = (channel.remoteAddress?.ipAddress).flatMap { IPAddress($0) }?.unmapped
        // Whoever goes away in the middle of something has nothing to be told.
        try? await client.executeThenClose { inbound, outbound in
            guard let address, let number = await self.enter(address, link) else { return }
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await line in lines { do { try await outbound.write(ByteBuffer(bytes: line)) } catch { break } }
                    channel.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
                }
                group.addTask {
                    do {
                        for try await bytes in inbound { await self.read(bytes.readableBytesView, of: number) }
                    } catch {}  // it is gone
                }
                await group.next()
                group.cancelAll()
            }
            await self.leave(number)
        }
    }
}
