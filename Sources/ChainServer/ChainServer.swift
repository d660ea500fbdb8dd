import AsyncAlgorithms
public import ChainAPI
import HTTPGuard
import HTTPTypes
import Hummingbird
public import Logging
import NIOCore
public import Primitives
public import ServiceLifecycle

/// The chain's open API over HTTP [CHAIN-6]: `POST /rpc` takes JSON-RPC 2.0, `GET /events` gives server-sent events. docs/chain-api.md shows both.
public struct ChainServer: Service {
    private let endpoint: Endpoint
    private let rpc: ChainRPC
    private let logger: Logger

    public init(_ rpc: ChainRPC, at endpoint: Endpoint, logger: Logger) {
        (self.rpc, self.endpoint, self.logger) = (rpc, endpoint, logger)
    }

    public func run() async throws {
        let router = Router()
        router.post("rpc") { request, _ in try await answer(to: request) }
        router.get("events") { request, _ in try await events(for: request) }
        var limits = ConnectionGuard.Limits()
        // Who follows events stays; EventSource comes back by itself, and is told what it missed.
        limits.lifetime = .hours(1)
        let app = Application(
            router: router, server: .http1(configuration: ConnectionGuard(limits).configuration()),
            configuration: .init(address: .hostname("\(endpoint.address)", port: Int(endpoint.port)), serverName: nil),
            logger: logger)
        do { try await app.run() } catch let error as IOError {
            throw ChainServerError(
                description: "the chain's API cannot listen on \(endpoint): \(error); set rpc_listen below [chain]")
        }
    }

    private func answer(to request: Request) async throws -> Response {
        guard let body = try? await request.body.collect(upTo: JSONRPC.requestBytesLimit) else {
            throw HTTPError(.contentTooLarge, message: "a request has at most \(JSONRPC.requestBytesLimit) bytes")
        }
        guard let answer = await rpc.answer(to: Array(body.readableBytesView)) else { return Response(status: .noContent) }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: answer)))
    }

    // MARK: Events

    private func events(for request: Request) async throws -> Response {
        let query = request.uri.queryParameters
        var last: UInt64?
        if let text = request.headers[.lastEventID] ?? query["after"].map(String.init) {
            guard let height = UInt64(text) else { throw HTTPError(.badRequest, message: "Last-Event-ID is a block's height") }
            last = height
        }
        let events: ChainEvents
        do throws(Fault) {
            let watch = try ChainWatch(
                accounts: query[values: "account"].map(String.init), channels: query[values: "channel"].map(String.init),
                of: rpc.genesis)
            events = await rpc.events(watch, after: last)
        } catch { throw HTTPError(.badRequest, message: error.mend) }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                // Said at once, so that the follower knows it is heard.
                try await writer.write(ByteBuffer(string: ChainEvents.keepAlive))
                for await text in Self.paced(events).cancelOnGracefulShutdown() {
                    guard let text else { break }
                    try await writer.write(ByteBuffer(string: text))
                }
                try await writer.finish(nil)
            })
    }

    /// The events, a comment whenever 15 s have passed, and nil when the node has ended.
    private static func paced(_ events: ChainEvents) -> some AsyncSequence<String?, Never> & Sendable {
        let ending: [String?] = [nil]
        let all = chain(events.map { Optional($0) }, ending.async)
        return merge(all, AsyncTimerSequence(interval: .seconds(15), clock: .continuous).map { _ in ChainEvents.keepAlive })
    }
}

struct ChainServerError: Error, CustomStringConvertible {
    let description: String
}

extension HTTPField.Name {
    fileprivate static let lastEventID = Self("Last-Event-ID")!
}
