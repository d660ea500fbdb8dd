import Charging
import FoundationEssentials
import HTTPTypes
import HAL
import Hummingbird
import Logging
import NIOCore
import Primitives
import StationAPI

/// What both servers know of a request: the channel it came by.
struct CallContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any NIOCore.Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// Bodies are small: the largest, a signed acceptance, is under 2 kB.
    static let bodyLimit = 64 * 1024

    /// The caller's address; nil on a Unix socket.
    var remoteAddress: IPAddress? {
        let text = channel.remoteAddress?.ipAddress?.prefix { $0 != "%" }  // without a scope id
        return text.flatMap { IPAddress(String($0)) }?.unmapped
    }
}

typealias Routes = RouterGroup<CallContext>

extension Request {
    func json<T: Decodable>(_ type: T.Type) async throws -> T {
        let body: ByteBuffer
        do { body = try await self.body.collect(upTo: CallContext.bodyLimit) } catch {
            throw Problem(.malformed, "the body is larger than \(CallContext.bodyLimit) bytes, or broke off")
        }
        do { return try JSON.decode(type, from: body.readableBytesView) } catch let error as DecodingError {
            throw Problem(.malformed, error.inWords)
        } catch {
            throw Problem(.malformed, "the body is not JSON")
        }
    }

    /// The fields of a posted HTML form.
    func form() async throws -> [String: String] {
        FormFields.decode(String(buffer: try await body.collect(upTo: CallContext.bodyLimit)))
    }
}

extension DecodingError {
    /// Which field, and what is wrong with it.
    var inWords: String {
        switch self {
        case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? context.debugDescription
                : "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\": \(context.debugDescription)"
        @unknown default: "the body cannot be read"
        }
    }
}

extension Response {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        bytes(try JSON.encode(value), type: "application/json", status: status)
    }

    static func text(_ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: type, status: status)
    }

    static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static var noContent: Response { Response(status: .noContent) }
}

/// Turns every error into problem details (RFC 9457), so that nobody gets an empty 500.
struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: CallContext, next: (Request, CallContext) async throws -> Response
    ) async throws -> Response {
        do { return try await next(request, context) } catch {
            let problem = Problem(error, path: request.uri.path)
            if problem.status >= 500 { context.logger.error("\(request.method) \(request.uri.path): \(problem.detail)") }
            let body = (try? JSON.encode(problem)) ?? []  // a struct of four strings cannot fail
            return .bytes(body, type: "application/problem+json", status: .init(code: problem.status))
        }
    }
}

extension Problem {
    init(_ error: any Error, path: String) {
        switch error {
        case let problem as Problem: self = problem
        case let error as ChargingError: self.init(error.kind, error.description)
        case let error as StorageError:
            self.init(error.kind == .full ? .storageFull : .internalError, error.description)
        case let error as StationError: self.init(.unavailable, error.description)
        case let error as HALError: self.init(.internalError, error.description)
        case let error as HTTPError where error.status == .notFound:
            self.init(.unknown, "there is nothing at \(path.prefix(80)); docs/api.md lists what there is")
        case let error as HTTPError: self.init(.malformed, error.body ?? "the request is refused")
        default: self.init(.internalError, "the station failed: \(error)")
        }
    }
}

extension ChargingError {
    var kind: Problem.Kind {
        switch self {
        case .sessionUnknown, .tariffUnknown, .channelUnknown, .keyUnknown: .unknown
        case .sessionLimit, .channelLimit, .codeLimit, .keyLimit: .unavailable
        case .sessionClosing, .depositShrinks, .noAddress, .channelClosed: .conflict
        case .blocked: .forbidden
        case .notFree, .depositExceeded, .wrongKey, .acceptanceStale, .voucherInvalid, .voucherStale, .codeUnknown,
            .codeSpent:
            .paymentRefused
        }
    }
}
