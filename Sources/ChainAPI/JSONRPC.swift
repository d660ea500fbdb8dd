public import BoundedJSON

/// JSON-RPC 2.0 (https://www.jsonrpc.org/specification): bytes of a request in, bytes of the answer out, whoever carries them.
///
/// Bounded before anything is read: size, depth, and how many values there are.
public struct JSONRPC: Sendable {
    public static let requestBytesLimit = 64 << 10
    public static let batchLimit = 32
    /// A call needs 4 levels.
    public static let depthLimit = 16
    /// Values of a request, all calls of a batch together.
    public static let valuesLimit = 1_024
    /// Of all answers to a request together.
    public static let answerBytesLimit = 4 << 20
    private static let idLengthLimit = 128
    private static let bounds = JSONBounds(bytes: requestBytesLimit, depth: depthLimit, values: valuesLimit)

    /// - Parameter call: a method's name and its params, nil if there are none.
    public typealias Call = @Sendable (String, JSONValue?) async throws(Fault) -> JSONValue
    private let call: Call

    public init(_ call: @escaping Call) { self.call = call }

    /// The answer to a request, single or batch; nil when only notifications came, which are not answered.
    public func answer(to request: [UInt8]) async -> [UInt8]? {
        let value: JSONValue
        do throws(Fault) { value = try Self.read(request) } catch { return Self.failure(error, id: .null).bytes }
        guard case .list(let calls) = value else {
            guard let answer = await answer(to: value) else { return nil }
            let bytes = answer.bytes
            guard bytes.count > Self.answerBytesLimit else { return bytes }
            return Self.failure(Self.tooLarge, id: answer["id"] ?? .null).bytes
        }
        guard (1...Self.batchLimit).contains(calls.count) else {
            let fault = Fault(.invalidRequest, "a batch has 1 to \(Self.batchLimit) calls, not \(calls.count)")
            return Self.failure(fault, id: .null).bytes
        }
        return await answer(toAll: calls)
    }

    /// One after the other. Once an answer found no room the later calls are not carried out.
    private func answer(toAll calls: [JSONValue]) async -> [UInt8]? {
        var answers: [[UInt8]] = []
        var room = Self.answerBytesLimit
        for call in calls {
            guard room > 0 else {
                if let id = Self.idToAnswer(call) { answers.append(Self.failure(Self.tooLarge, id: id).bytes) }
                continue
            }
            guard let answer = await answer(to: call) else { continue }
            var bytes = answer.bytes
            if bytes.count > room {
                bytes = Self.failure(Self.tooLarge, id: answer["id"] ?? .null).bytes
                room = 0
            } else {
                room -= bytes.count
            }
            answers.append(bytes)
        }
        guard !answers.isEmpty else { return nil }
        return [UInt8(ascii: "[")] + Array(answers.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "]")]
    }

    private func answer(to request: JSONValue) async -> JSONValue? {
        let id = Self.id(of: request)
        guard let id, request["jsonrpc"] == .text("2.0"), case .text(let method)? = request["method"] else {
            return Self.failure(Self.notACall, id: id ?? .null)
        }
        let params = request["params"]
        switch params {
        case nil, .object, .list: break
        default: return Self.failure(Self.notACall, id: id)
        }
        let isNotification = request["id"] == nil
        do throws(Fault) {
            let result = try await call(method, params)
            return isNotification ? nil : .fields(["jsonrpc": .text("2.0"), "id": id, "result": result])
        } catch {
            return isNotification ? nil : Self.failure(error, id: id)
        }
    }

    // MARK: Reading

    /// Notifications stand for none; nil: it is no id that could be answered to.
    private static func id(of request: JSONValue) -> JSONValue? {
        guard case .object(let fields) = request else { return nil }
        switch fields["id"] {
        case nil, .null: return .null
        case .integer(let id): return .integer(id)
        case .text(let id) where id.utf8.count <= idLengthLimit: return .text(id)
        default: return nil
        }
    }

    private static func idToAnswer(_ request: JSONValue) -> JSONValue? {
        guard request["id"] == nil, request["method"] != nil else { return id(of: request) ?? .null }
        return nil
    }

    private static func read(_ request: [UInt8]) throws(Fault) -> JSONValue {
        do throws(JSONBounds.Excess) { return try bounds.read(request) } catch {
            switch error {
            case .size(let count):
                throw Fault(.invalidRequest, "the request has \(count) bytes; send at most \(requestBytesLimit) at once")
            case .depth: throw Fault(.invalidRequest, "it nests deeper than \(depthLimit) levels")
            case .values:
                throw Fault(.invalidRequest, "it holds more than \(valuesLimit) values; send fewer calls at once")
            case .notUTF8: throw Fault(.parseError, "the request is not UTF-8")
            case .notJSON: throw Fault(.parseError, "the request is not JSON: look for a missing quote, comma or bracket")
            }
        }
    }

    // MARK: Writing

    private static let notACall = Fault(
        .invalidRequest,
        #"send {"jsonrpc":"2.0","method":"chain.status","params":{},"id":1}; the id is a whole number or a short text"#)
    private static let tooLarge = Fault(
        .answerTooLarge, "an answer has at most \(answerBytesLimit) bytes; ask for less, or for fewer things at once")

    private static func failure(_ fault: Fault, id: JSONValue) -> JSONValue {
        .fields(["jsonrpc": .text("2.0"), "id": id, "error": fault.json])
    }
}
