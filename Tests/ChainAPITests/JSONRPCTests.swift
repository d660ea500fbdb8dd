import BoundedJSON
import ChainAPI
import Testing

/// JSON-RPC 2.0 by its specification, https://www.jsonrpc.org/specification.
@Suite struct JSONRPCTests {
    /// The server that the examples of section 7 are asked of.
    static let server = JSONRPC { (method, params) async throws(Fault) in
        switch (method, params) {
        case ("subtract", .list(let pair)?): try difference(pair.first, pair.last)
        case ("subtract", .object(let named)?): try difference(named["minuend"], named["subtrahend"])
        case ("sum", .list(let terms)?):
            .integer(terms.reduce(0) { if case .integer(let term) = $1 { $0 + term } else { $0 } })
        case ("get_data", nil): .list([.text("hello"), .integer(5)])
        case ("update", _), ("notify_hello", _), ("notify_sum", _): .null
        default: throw Fault(.methodNotFound, "it is not there")
        }
    }

    private static func difference(_ one: JSONValue?, _ other: JSONValue?) throws(Fault) -> JSONValue {
        guard case .integer(let one)? = one, case .integer(let other)? = other else { throw Fault(.invalidParams, "numbers") }
        return .integer(one - other)
    }

    /// Section 7, in its order.
    @Test(
        arguments: [
            (
                #"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
                #"{"jsonrpc": "2.0", "result": 19, "id": 1}"#
            ),
            (
                #"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
                #"{"jsonrpc": "2.0", "result": -19, "id": 2}"#
            ),
            (
                #"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
                #"{"jsonrpc": "2.0", "result": 19, "id": 3}"#
            ),
            (
                #"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
                #"{"jsonrpc": "2.0", "result": 19, "id": 4}"#
            ),
            (#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, nil),
            (#"{"jsonrpc": "2.0", "method": "foobar"}"#, nil),
            (
                #"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
                #"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#
            ),
            (
                #"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
                #"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#
            ),
            (
                #"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
                #"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#
            ),
            (
                #"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]"#,
                #"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#
            ),
            ("[]", #"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#),
            ("[1]", #"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#),
            (
                "[1,2,3]",
                #"""
                [{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
                 {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
                 {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]
                """#
            ),
            (
                #"""
                [{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
                 {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
                 {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
                 {"foo": "boo"},
                 {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
                 {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]
                """#,
                #"""
                [{"jsonrpc": "2.0", "result": 7, "id": "1"},
                 {"jsonrpc": "2.0", "result": 19, "id": "2"},
                 {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
                 {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
                 {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}]
                """#
            ),
            (
                #"""
                [{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
                 {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]
                """#, nil
            ),
        ] as [(String, String?)]) func theExamplesOfTheSpecificationAreAnswered(request: String, expected: String?) async throws
    {
        let answer = try await Self.server.answer(to: Array(request.utf8)).map { try JSONValue(bytes: $0) }
        #expect(answer.map(Self.withoutData) == (try expected.map { try JSONValue(bytes: Array($0.utf8)) }))
    }

    /// The specification leaves `data` to the server, and shows none.
    private static func withoutData(_ value: JSONValue) -> JSONValue {
        switch value {
        case .list(let list): return .list(list.map(withoutData))
        case .object(var fields):
            fields["data"] = nil
            return .object(fields.mapValues(withoutData))
        default: return value
        }
    }

    @Test(
        arguments: [
            ("an id of two kinds", #"{"jsonrpc":"2.0","method":"get_data","id":[1]}"#, Fault.Kind.invalidRequest),
            ("a fraction as id", #"{"jsonrpc":"2.0","method":"get_data","id":1.5}"#, .invalidRequest),
            ("a boundless id", #"{"jsonrpc":"2.0","method":"get_data","id":1e30}"#, .invalidRequest),
            ("another version", #"{"jsonrpc":"1.0","method":"get_data","id":1}"#, .invalidRequest),
            ("no version", #"{"method":"get_data","id":1}"#, .invalidRequest),
            ("no method", #"{"jsonrpc":"2.0","id":1}"#, .invalidRequest),
            ("text as params", #"{"jsonrpc":"2.0","method":"get_data","params":"x","id":1}"#, .invalidRequest),
            ("null as params", #"{"jsonrpc":"2.0","method":"get_data","params":null,"id":1}"#, .invalidRequest),
            ("a bare number", "5", .invalidRequest), ("nothing", "", .parseError), ("an open quote", "\"", .parseError),
            ("two values", "{} {}", .parseError),
        ] as [(String, String, Fault.Kind)]) func whatIsNoCallIsRefused(what: String, request: String, kind: Fault.Kind)
        async throws
    {
        let answer = try JSONValue(bytes: try #require(await Self.server.answer(to: Array(request.utf8))))
        #expect(answer["error"]?["code"] == .integer(Int128(kind.rawValue)), "\(what)")
        #expect(answer["error"]?["message"] == .text(kind.message))
        #expect(answer["error"]?["data"]?["mend"]?.text?.isEmpty == false)
    }

    private static let call = #"{"jsonrpc":"2.0","method":"sum","params":[1],"id":7}"#

    /// RFC 8259, section 8.1: JSON between programs is UTF-8.
    @Test func otherEncodingsAreRefused() async throws {
        let halves = Self.call.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        for request in [halves, Array(#"{"jsonrpc":"2.0","method":""#.utf8) + [0xC3, 0x28] + Array(#"","id":7}"#.utf8)] {
            let answer = try JSONValue(bytes: try #require(await Self.server.answer(to: request)))
            #expect(answer["error"]?["code"] == .integer(-32_700))
        }
    }

    /// A request and how many results it gets; nil: it is refused as a whole. Told by its name: some are long.
    struct Sized: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let answers: Int?
        let request: String

        init(_ name: String, _ answers: Int?, _ request: String) {
            (testDescription, self.answers, self.request) = (name, answers, request)
        }
    }

    @Test(arguments: [
        Sized("a batch as large as may be", 32, batch(32)), Sized("one call more", nil, batch(33)),
        Sized("as deep as may be", 1, nested(14)), Sized("one level more", nil, nested(15)),
        Sized("no end of brackets", nil, nested(30_000)), Sized("as many values as may be", 1, summed(1_020)),
        Sized("one value more", nil, summed(1_021)), Sized("no end of values", nil, summed(30_000)),
        Sized("64 KiB", 1, padded(65_536)), Sized("a byte more", nil, padded(65_537)),
        Sized("brackets within text", 1, #"{"jsonrpc":"2.0","method":"sum","params":["[[[[[[[[[[[[[[[[[[[[\"[["],"id":7}"#),
    ]) func requestsAreBounded(sized: Sized) async throws {
        let answer = try JSONValue(bytes: try #require(await Self.server.answer(to: Array(sized.request.utf8))))
        let found = if case .list(let list) = answer { list } else { [answer] }
        if let answers = sized.answers {
            #expect(found.count == answers && found.allSatisfy { $0["result"] != nil && $0["id"] == .integer(7) })
        } else {
            #expect(answer["error"]?["code"] == .integer(-32_600))
        }
    }

    private static func batch(_ calls: Int) -> String { "[" + Array(repeating: call, count: calls).joined(separator: ",") + "]" }

    private static func nested(_ levels: Int) -> String {
        let inner = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        return #"{"jsonrpc":"2.0","method":"sum","params":[\#(inner)],"id":7}"#
    }

    private static func summed(_ terms: Int) -> String {
        #"{"jsonrpc":"2.0","method":"sum","params":[\#(Array(repeating: "1", count: terms).joined(separator: ","))],"id":7}"#
    }

    private static func padded(_ size: Int) -> String { call + String(repeating: " ", count: size - call.utf8.count) }

    private actor Counter {
        private(set) var count = 0
        func add() { count += 1 }
    }

    @Test func aBatchAnswersNoMoreThanItsRoom() async throws {
        let text = String(repeating: "x", count: JSONRPC.answerBytesLimit / 3)
        let calls = Counter()
        let server = JSONRPC { (_, _) async throws(Fault) in
            await calls.add()
            return .text(text)
        }
        let bytes = try #require(await server.answer(to: Array(Self.batch(32).utf8)))
        let answers = try JSONValue(bytes: bytes).list
        #expect(answers.count == 32 && answers.prefix(2).allSatisfy { $0["result"] != nil })
        #expect(answers.dropFirst(2).allSatisfy { $0["error"]?["code"] == .integer(6) && $0["id"] == .integer(7) })
        #expect(await calls.count == 3, "what comes after is not carried out")
    }

    @Test func oneAnswerThatIsTooLargeIsRefused() async throws {
        let text = String(repeating: "x", count: JSONRPC.answerBytesLimit)
        let server = JSONRPC { (_, _) async throws(Fault) in .text(text) }
        let answer = try JSONValue(bytes: try #require(await server.answer(to: Array(Self.call.utf8))))
        #expect(answer["error"]?["code"] == .integer(6) && answer["id"] == .integer(7))
    }
}
