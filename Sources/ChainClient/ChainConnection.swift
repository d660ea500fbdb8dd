import NIOHTTP1
import StationAPI
import StationClient

/// JSON-RPC 2.0 with one node (docs/chain-api.md). It believes nothing: who asks checks what comes.
///
/// An answer is bounded in bytes before it is kept, in depth by the decoder, and in time by the connection.
public struct ChainConnection: Sendable {
    /// The API's own limit, and some bytes around it.
    public static let answerLimit = (4 << 20) + 4_096
    /// Calls of one request.
    static let batchLimit = 32

    public let node: NodeAddress
    private let station: StationConnection

    public init(_ node: NodeAddress, timeoutSeconds: Int64 = 15) {
        self.node = node
        var station = StationConnection(node.place, timeoutSeconds: timeoutSeconds)
        station.answerLimit = Self.answerLimit
        if case .tcp = node.place { station.mendOfSilence = "does a node run there? name another with --node" }
        self.station = station
    }

    /// The result of one call.
    /// - Throws: `unreachable`, `notAnAnswer`, or `refused` with the node's reason.
    public func call<Result: Decodable>(
        _ method: ChainCall, _ params: [String: ChainParam] = [:], as type: Result.Type = Result.self
    ) async throws(ChainClientError) -> Result {
        let request = ChainRequest(id: 1, method: method.rawValue, params: params)
        return try result(of: try await post(request, as: ChainReply<Result>.self), to: request)
    }

    /// The results of the same call with different params, in their order; nil where there is no such thing.
    public func calls<Result: Decodable>(
        _ method: ChainCall, _ params: [[String: ChainParam]], as type: Result.Type = Result.self
    ) async throws(ChainClientError) -> [Result?] {
        var results: [Result?] = []
        for start in stride(from: 0, to: params.count, by: Self.batchLimit) {
            let part = params[start..<min(start + Self.batchLimit, params.count)]
            let requests = part.enumerated().map { ChainRequest(id: $0.offset + 1, method: method.rawValue, params: $0.element) }
            let replies = try await post(requests, as: [ChainReply<Result>].self)
            guard replies.count == requests.count else {
                throw notAnAnswer("\(replies.count) answers to \(requests.count) calls")
            }
            for (reply, request) in zip(replies, requests) {
                do throws(ChainClientError) { results.append(try result(of: reply, to: request)) } catch {
                    guard error.isNotFound else { throw error }
                    results.append(nil)
                }
            }
        }
        return results
    }

    /// The node's events, as they come, until `take` wants no more.
    func follow(
        _ query: String, after last: UInt64, _ take: ([UInt8]) throws -> Bool
    ) async throws(ChainClientError) {
        var station = station
        station.headers = [("Last-Event-ID", "\(last)"), ("Accept", "text/event-stream")]
        do { try await station.follow(node.eventsPath + "?" + query, take) } catch let error as ChainClientError {
            throw error
        } catch {
            throw .unreachable("\(node) broke off its events: \(error)", isNotPermitted: false)
        }
    }

    private func post<Answer: Decodable>(
        _ body: some Encodable, as type: Answer.Type
    ) async throws(ChainClientError) -> Answer {
        let bytes: [UInt8]
        do { bytes = try await station.send(.POST, node.rpcPath, JSON.encode(body)) } catch let error as StationUnreachable {
            throw .unreachable("\(error)", isNotPermitted: error.isNotPermitted)
        } catch let problem as Problem {
            throw notAnAnswer(String(problem.detail.prefix(200)))
        } catch {
            throw .unreachable("\(node) cannot be asked: \(error)", isNotPermitted: false)
        }
        do { return try JSON.decode(type, from: bytes) } catch {
            throw notAnAnswer("what it sent is not the JSON that was asked for")
        }
    }

    private func result<Result>(of reply: ChainReply<Result>, to request: ChainRequest) throws(ChainClientError) -> Result {
        guard reply.jsonrpc == "2.0" else { throw notAnAnswer("it is not JSON-RPC 2.0") }
        if let error = reply.error {
            guard reply.id == nil || reply.id == request.id else { throw otherCall(reply.id, request) }
            let words = (error.data?.mend ?? error.message).prefix(300)
            throw .refused(.init(method: request.method, code: error.code, words: String(words)))
        }
        guard reply.id == request.id else { throw otherCall(reply.id, request) }
        guard let result = reply.result else { throw notAnAnswer("neither a result nor an error") }
        return result
    }

    private func otherCall(_ id: Int?, _ request: ChainRequest) -> ChainClientError {
        notAnAnswer("it answers call \(id.map(String.init) ?? "null") where \(request.id) was asked")
    }

    private func notAnAnswer(_ why: String) -> ChainClientError { .notAnAnswer(node: "\(node)", why: why) }
}
