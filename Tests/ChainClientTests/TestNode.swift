import BoundedJSON
import ChainAPI
import ChainClient
import Hummingbird
import Ledger
import Logging
import NIOCore
import Node
import Primitives
import ToyLedger

/// A node's API on a real socket of the loopback, and whatever a liar makes of its answers.
struct TestNode: Sendable {
    enum Answer: Sendable {
        case bytes([UInt8])
        /// As fast as the reader takes them, and no end.
        case endless
    }

    let source: LedgerSource
    let port: Int

    var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameters:
    ///   - lie: gets a request and the honest answer to it.
    static func run(
        _ source: LedgerSource, lie: @escaping @Sendable ([UInt8], [UInt8]) async -> Answer = { .bytes($1) },
        _ body: @escaping @Sendable (TestNode) async throws -> Void
    ) async throws {
        let history = ChainHistory()
        let rpc = ChainRPC(source, history: history)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        router.post("rpc") { request, _ in
            let asked = Array(try await request.body.collect(upTo: JSONRPC.requestBytesLimit).readableBytesView)
            return response(await lie(asked, await rpc.answer(to: asked) ?? []))
        }
        router.get("events") { request, _ in
            let accounts = request.uri.queryParameters.getAll("account").map { String($0) }
            let watch = try ChainWatch(accounts: accounts, channels: [], of: source.genesis)
            let last = request.headers[.init("Last-Event-ID")!].flatMap { UInt64($0) }
            let events = await ChainEvents(of: source, history: history, watch: watch, after: last)
            return Response(
                status: .ok, headers: [.contentType: "text/event-stream"],
                body: ResponseBody { writer in
                    for await event in events { try await writer.write(ByteBuffer(string: event)) }
                    try await writer.finish(nil)
                })
        }
        var logger = Logger(label: "test-node")
        logger.logLevel = .critical
        let app = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await app.run() }
            group.addTask { await history.follow(source) }
            group.addTask { try await makeBlocks(source) }
            group.addTask {
                var all = ports.makeAsyncIterator()
                try await body(TestNode(source: source, port: await all.next() ?? 0))
                await source.end()
            }
            // The body ends first; whatever else does so has failed.
            for try await _ in group where await source.isOver { break }
            group.cancelAll()
            do { while try await group.next() != nil {} } catch is CancellationError {}
        }
    }

    private static func response(_ answer: Answer) -> Response {
        switch answer {
        case .bytes(let bytes):
            Response(
                status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        case .endless:
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    let part = ByteBuffer(repeating: UInt8(ascii: " "), count: 64 << 10)
                    while true { try await writer.write(part) }
                })
        }
    }

    /// One of what waits, and an empty one whose header names the state after it.
    private static func makeBlocks(_ source: LedgerSource) async throws {
        while await !source.isOver {
            if await source.pool.count > 0 {
                try await source.makeBlock()
                try await source.makeBlock()
            }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }
}

/// A clock that a test sets. From then on it goes as others do.
struct SetClock: WalletClock {
    let time: UInt64
    private let start = ContinuousClock.now
    init(time: UInt64) { self.time = time }
    func now() -> UInt64 { time + UInt64((ContinuousClock.now - start) / .milliseconds(1)) }
    func sleep(_ duration: Nanoseconds) async { do { try await Task.sleep(for: .milliseconds(5)) } catch {} }
}

extension LedgerSource {
    /// A short while after the newest block.
    var clock: SetClock { SetClock(time: state.head.time + 2_000) }

    nonisolated func address(_ person: Int) -> String { Address(keys[person].publicKey, on: .test).description }
}

extension TestNode {
    func client(
        proving: Bool = true, genesis: Genesis? = nil, at clock: SetClock? = nil
    ) async throws -> ChainClient {
        let standard = await source.clock
        return try await ChainClient(
            ChainConnection(NodeAddress(url), timeoutSeconds: 60), genesis: genesis ?? (proving ? source.genesis : nil),
            clock: clock ?? standard)
    }
}

/// An honest answer with one field of its result changed.
func changed(_ answer: [UInt8], _ name: String, to value: JSONValue?) -> [UInt8] {
    guard case .object(var reply)? = try? JSONValue(bytes: answer), case .object(var result)? = reply["result"] else {
        return changedInBatch(answer, name, to: value)
    }
    result[name] = value
    reply["result"] = .object(result)
    return JSONValue.object(reply).bytes
}

private func changedInBatch(_ answer: [UInt8], _ name: String, to value: JSONValue?) -> [UInt8] {
    guard case .list(let replies)? = try? JSONValue(bytes: answer) else { return answer }
    return JSONValue.list(
        replies.map { reply in
            guard case .object(var fields) = reply, case .object(var result)? = fields["result"] else { return reply }
            result[name] = value
            fields["result"] = .object(result)
            return .object(fields)
        }
    ).bytes
}

func isCall(_ request: [UInt8], of method: ChainCall) -> Bool {
    String(decoding: request, as: UTF8.self).contains("\"\(method.rawValue)\"")
}
