import CMiner
import Glibc
import NIOCore
import NIOPosix
import Primitives
import ProofOfWork
import Synchronization

/// Where the process that hashes comes from.
public enum WorkerLauncher: Hashable, Sendable {
    /// The path of `basestation-miner`: a child of this process. Where there is no systemd.
    case program(String)
    /// A unit of systemd's, started by connecting here. Its memory and its place are the unit's: the daemon's own unit has neither the
    /// memory nor the right to write code.
    case socket(String)
}

/// Why there is no process that hashes; in words, with what to do.
public struct WorkerError: Error, Hashable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}

/// One process that hashes, from its start to its end. It can hang, lie and die: nothing here waits for it without a limit.
final class WorkerProcess: Sendable {
    /// Shares of more than a minute at a share a millisecond.
    private static let reportsLimit = 65_536
    /// Milliseconds for a process that was told to end.
    private static let patience = 500

    /// Ends when the process does.
    let reports: AsyncStream<WorkerReport>
    let placement: WorkerPlacement
    private let channel: any Channel
    /// Of a child; a unit says its own.
    private let child: Int32?
    private let isEnded = Mutex(false)

    init(_ launcher: WorkerLauncher, loops: any EventLoopGroup) async throws {
        let (reports, continuation) = AsyncStream.makeStream(
            of: WorkerReport.self, bufferingPolicy: .bufferingOldest(Self.reportsLimit))
        self.reports = reports
        let bootstrap = ClientBootstrap(group: loops).connectTimeout(.seconds(5)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(WorkerHandler(continuation)) }
        }
        switch launcher {
        case .program(let path):
            let (end, pid) = try Self.spawn(path)
            child = pid
            placement = WorkerPlacement.place(pid)
            do { channel = try await bootstrap.withConnectedSocket(end).get() } catch {
                close(end)
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
                placement.withdraw()
                throw error
            }
        case .socket(let path):
            child = nil
            placement = .group("basestationminer.slice")
            do { channel = try await bootstrap.connect(unixDomainSocketPath: path).get() } catch {
                throw WorkerError("nobody starts the miner at \(path): \(error); systemctl start basestation-miner.socket")
            }
        }
    }

    private static func spawn(_ path: String) throws(WorkerError) -> (end: Int32, pid: Int32) {
        var (end, pid) = (Int32(-1), Int32(0))
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("basestation-miner"), nil]
        defer { free(arguments[0]) }
        let error = cminer_spawn(path, &arguments, &end, &pid)
        guard error == 0 else {
            throw WorkerError("\(path) does not start: \(String(cString: strerror(-error))); is the package complete?")
        }
        return (end, pid)
    }

    func tell(_ order: WorkerOrder) {
        channel.writeAndFlush(ByteBuffer(bytes: WorkerFrames.frame(order)), promise: nil)
    }

    /// Its reports end soon after.
    func hangUp() { channel.close(mode: .all, promise: nil) }

    /// Ends it, and returns when it has ended: it goes by itself when its socket closes, or is killed.
    func end(pid told: Int32? = nil) async {
        hangUp()
        // One waits for a child: its number may be another's afterwards.
        guard
            !isEnded.withLock({ ended in
                defer { ended = true }
                return ended
            })
        else { return }
        guard let child else {
            // Only a process that says it is the miner: numbers are used again.
            if let told, (try? SmallFile.read("/proc/\(told)/comm")) == "basestation-min\n" { kill(told, SIGKILL) }
            return
        }
        defer { placement.withdraw() }
        kill(child, SIGTERM)
        for _ in 0..<Self.patience / 10 {
            guard waitpid(child, nil, WNOHANG) == 0 else { return }
            do { try await Task.sleep(for: .milliseconds(10)) } catch { break }  // no time is left: kill it
        }
        kill(child, SIGKILL)
        waitpid(child, nil, 0)
    }
}

/// Frames into reports. What makes no sense ends the connection.
private final class WorkerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private var frames = WorkerFrames()
    private let reports: AsyncStream<WorkerReport>.Continuation
    /// Whatever answers there and never says hello is no miner.
    private static let helloLimit = TimeAmount.seconds(10)
    private var silence: Scheduled<Void>?

    init(_ reports: AsyncStream<WorkerReport>.Continuation) { self.reports = reports }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        silence = context.eventLoop.scheduleTask(in: Self.helloLimit) { [reports] in
            reports.yield(.failure("the miner has said nothing for 10 s; is it the one that came with this daemon?"))
            channel.close(promise: nil)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames.append(unwrapInboundIn(data).readableBytesView)
        do throws(CanonicalError) {
            while let payload = try frames.next() {
                silence?.cancel()
                reports.yield(try WorkerReport(canonicalBytes: payload))
            }
        } catch {
            reports.yield(.failure("the miner says what makes no sense: \(error)"))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        silence?.cancel()
        reports.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
