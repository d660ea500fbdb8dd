import Glibc
import NIOCore
public import NIOHTTP1
import NIOPosix
import StationAPI

/// Where a station answers.
public enum StationAddress: Hashable, Sendable, CustomStringConvertible {
    case unix(String)
    case tcp(host: String, port: Int)

    public var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

/// Nobody answers there, or not in time.
public struct StationUnreachable: Error, CustomStringConvertible {
    public var description: String
    public var isNotPermitted: Bool

    public init(description: String, isNotPermitted: Bool) {
        (self.description, self.isNotPermitted) = (description, isNotPermitted)
    }
}

/// Asks a station over HTTP/1.1: one connection a request, JSON both ways (docs/api.md).
public struct StationConnection: Sendable {
    private let address: StationAddress
    private let timeout: TimeAmount
    /// Headers to send with each request.
    public var headers: [(String, String)] = []

    /// Bytes of an answer. The largest of a station, ten thousand usage records, is under 8 MB.
    public var answerLimit = 16 << 20

    /// What to do when nobody answers; else what fits a station.
    public var mendOfSilence: String?

    public init(_ address: StationAddress, timeoutSeconds: Int64 = 15) {
        self.address = address
        timeout = .seconds(timeoutSeconds)
    }

    public func get<T: Decodable>(_ path: String, as type: T.Type = T.self) async throws -> T {
        try JSON.decode(type, from: await send(.GET, path, nil))
    }

    public func post<T: Decodable>(_ path: String, _ body: some Encodable, as type: T.Type = T.self) async throws -> T {
        try JSON.decode(type, from: await send(.POST, path, JSON.encode(body)))
    }

    public func put<T: Decodable>(_ path: String, _ body: some Encodable, as type: T.Type = T.self) async throws -> T {
        try JSON.decode(type, from: await send(.PUT, path, JSON.encode(body)))
    }

    public func post(_ path: String) async throws { _ = try await send(.POST, path, nil) }
    public func post(_ path: String, _ body: some Encodable) async throws { _ = try await send(.POST, path, JSON.encode(body)) }
    public func delete(_ path: String) async throws { _ = try await send(.DELETE, path, nil) }
    /// nil: it is gone, and there is nothing to say of it.
    public func delete<T: Decodable>(_ path: String, as type: T.Type = T.self) async throws -> T? {
        let body = try await send(.DELETE, path, nil)
        return body.isEmpty ? nil : try JSON.decode(type, from: body)
    }
    public func text(_ path: String) async throws -> String { String(decoding: try await send(.GET, path, nil), as: UTF8.self) }

    /// The body of a successful answer; a refusal is thrown as the `Problem` it says it is.
    public func send(_ method: HTTPMethod, _ path: String, _ body: [UInt8]?) async throws -> [UInt8] {
        do { return try await exchange(method, path, body, answer) } catch let error as Problem { throw error } catch let error
            as StationUnreachable
        {
            throw error
        } catch {
            // A reset, a closed channel, half an answer: the station went away in the middle.
            throw StationUnreachable(description: "\(address) broke off: \(error); try again", isNotPermitted: false)
        }
    }

    /// Reads an answer that may never end, as events do, until `take` has had enough of it.
    /// - Parameter take: gets the answer's bytes as they come, and gives whether it wants more.
    public func follow(_ path: String, _ take: ([UInt8]) throws -> Bool) async throws {
        try await exchange(.GET, path, nil) { parts in
            var status = HTTPResponseStatus.ok
            for try await part in parts {
                switch part {
                case .head(let head): status = head.status
                case .body(let buffer) where status == .ok: guard try take(Array(buffer.readableBytesView)) else { return }
                case .body: break
                case .end: break
                }
                if case .end = part { break }
            }
            guard status == .ok else {
                throw StationUnreachable(description: "\(address) answers \(status.code) for events", isNotPermitted: false)
            }
        }
    }

    private func exchange<Answer: Sendable>(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8]?,
        _ read: (NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> Answer
    ) async throws -> Answer {
        let channel = try await connect()
        return try await channel.executeThenClose { inbound, outbound in
            let deadline = channel.channel.eventLoop.scheduleTask(in: timeout) { channel.channel.close(promise: nil) }
            defer { deadline.cancel() }
            var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
            head.headers.add(name: "host", value: host)
            head.headers.add(name: "connection", value: "close")
            for (name, value) in headers { head.headers.add(name: name, value: value) }
            if let body {
                head.headers.add(name: "content-type", value: "application/json")
                head.headers.add(name: "content-length", value: String(body.count))
            }
            // All at once: a quick station may have answered and closed before a last empty part of its own is written.
            let content = body.map { [HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: $0)))] } ?? []
            try await outbound.write(contentsOf: [.head(head)] + content + [.end(nil)])
            return try await read(inbound)
        }
    }

    private var host: String { if case .tcp = address { address.description } else { "localhost" } }

    private func answer(_ parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws -> [UInt8] {
        var status = HTTPResponseStatus.ok
        var body: [UInt8] = []
        var isWhole = false
        for try await part in parts {
            switch part {
            case .head(let head): status = head.status
            case .body(let buffer):
                guard body.count + buffer.readableBytes <= answerLimit else {
                    throw StationUnreachable(
                        description: "the answer of \(address) is larger than \(answerLimit) bytes", isNotPermitted: false)
                }
                body += buffer.readableBytesView
            case .end: isWhole = true
            }
            if isWhole { break }
        }
        guard isWhole else {
            throw StationUnreachable(description: "\(address) broke off its answer; try again", isNotPermitted: false)
        }
        guard (200..<300).contains(status.code) else {
            // Any other answer is somebody else's: say what it was.
            throw (try? JSON.decode(Problem.self, from: body))
                ?? StationUnreachable(
                    description: "\(address) answers \(status.code), not as a station does", isNotPermitted: false)
        }
        return body
    }

    private typealias HTTPChannel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws -> HTTPChannel {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(5))
        let initialise = { @Sendable (channel: any Channel) -> EventLoopFuture<HTTPChannel> in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
            }
        }
        do {
            return switch address {
            case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: initialise)
            case .tcp(let host, let port): try await bootstrap.connect(host: host, port: port, channelInitializer: initialise)
            }
        } catch {
            let isNotPermitted = (error as? IOError).map { $0.errnoCode == EACCES || $0.errnoCode == EPERM } ?? false
            let mend =
                switch address {
                case .unix where isNotPermitted: "you may not control this station; join group basestation, or use sudo"
                case .unix: "is the daemon running? systemctl status basestationd"
                case .tcp: "are you on the station's network?"
                }
            throw StationUnreachable(
                description: "nobody answers on \(address); \(mendOfSilence ?? mend)", isNotPermitted: isNotPermitted)
        }
    }
}
