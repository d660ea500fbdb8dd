import BoundedJSON
import ChainAPI
import Consensus
import Ledger
import Node
import Primitives
import Testing
import ToyLedger

/// docs/openrpc.json describes the server that there is.
@Suite struct OpenRPCTests {
    let document: JSONValue
    let schema: Schema

    init() throws {
        document = try JSONValue(bytes: repositoryFile("docs/openrpc.json"))
        schema = Schema(document: document)
    }

    private func described(_ method: ChainMethod) throws -> JSONValue {
        try #require(document["methods"]?.list.first { $0["name"] == .text(method.rawValue) })
    }

    @Test func itHasTheServersMethodsAndNoOthers() throws {
        #expect(document["openrpc"] == .text("1.3.2"))
        let methods = document["methods"]?.list ?? []
        #expect(methods.map { $0["name"] } == ChainMethod.allCases.map { .text($0.rawValue) })
        for method in ChainMethod.allCases {
            let described = try described(method)
            #expect(described["params"]?.list.map { $0["name"] } == method.params.map { .text($0) }, "\(method.rawValue)")
            #expect(described["paramStructure"] == .text("by-name"))
        }
    }

    @Test func itHasTheServersErrorsAndNoOthers() {
        guard case .object(let errors)? = document["components"]?["errors"] else { return #expect(Bool(false), "no errors") }
        let listed = errors.values.map { [$0["code"], $0["message"]] }
        let known = Fault.Kind.allCases.map { [JSONValue.integer(Int128($0.rawValue)), .text($0.message)] }
        #expect(Set(listed) == Set(known) && listed.count == known.count)
    }

    /// In the order of their numbers on the wire, which whoever checks a proof counts by.
    @Test func itsListsAreTheLedgers() {
        let schemas = document["components"]?["schemas"]
        func words(_ all: [some Any]) -> [JSONValue] { all.map { .text("\($0)".inSnakeCase) } }
        #expect(schemas?["TransactionKind"]?["enum"]?.list == words(Payload.Kind.allCases))
        #expect(schemas?["StateKind"]?["enum"]?.list == words(StateKey.Kind.allCases))
        #expect(StateKey.Kind.allCases.map(\.rawValue) == Array(1...15))
    }

    /// Transactions are signed for one chain: a change of its rules changes these two, in every description.
    private func ofThisChain(_ method: ChainMethod, _ params: [String: JSONValue], _ chain: SmallChain) async -> [String:
        JSONValue]
    {
        switch method {
        case .transaction: return ["id": .id(chain.done)]
        case .submit:
            let payment = Payload.transfer(Transfer(to: chain.source.keys[7].publicKey, amount: QLC("0.1")!))
            return ["transaction": .hex(await chain.source.sign(payment, by: 5).bytes)]
        default: return params
        }
    }

    private func example(_ method: ChainMethod) throws -> (params: [String: JSONValue], result: JSONValue) {
        let example = try #require(try described(method)["examples"]?.list.first)
        let params = try (example["params"]?.list ?? []).map {
            (try #require($0["name"]?.text), try #require($0["value"]))
        }
        return (Dictionary(uniqueKeysWithValues: params), try #require(example["result"]?["value"]))
    }

    @Test(arguments: ChainMethod.allCases) func itsExamplesAreAnsweredAsDescribed(method: ChainMethod) async throws {
        let chain = try await SmallChain()
        let described = try described(method)
        let rules = try #require(described["result"]?["schema"])
        let (params, shown) = try example(method)
        for param in described["params"]?.list ?? [] {
            guard let name = param["name"]?.text, let value = params[name] else { continue }
            #expect(schema.faults(of: value, by: try #require(param["schema"]), at: name) == [])
        }
        #expect(schema.faults(of: shown, by: rules) == [], "the result that is shown")
        let result = try await chain.result(method.rawValue, await ofThisChain(method, params, chain))
        #expect(schema.faults(of: result, by: rules) == [], "the result that is given")
    }

    /// Refused and waiting transactions, blocks of every epoch, absent entries: what examples do not show is described too.
    @Test func otherAnswersAreAsDescribedToo() async throws {
        let chain = try await SmallChain()
        var calls: [(ChainMethod, [String: JSONValue])] = [
            (.transaction, ["id": .id(chain.refused)]), (.transaction, ["id": .id(chain.waiting)]), (.validators, [:]),
            (.assetsNear, ["geohash": .text("u")]), (.delegates, [:]), (.block, ["height": .integer(1)]),
            (.block, ["height": .integer(3)]), (.proof, ["kind": .text("channel"), "id": .id(.zero)]),
            (.proof, ["kind": .text("account"), "id": chain.address(3)]),
            (.fee, ["kind": .text("transfer"), "bytes": .integer(1)]),
        ]
        for kind in ["parameters", "funds", "epoch", "attendance"] { calls.append((.proof, ["kind": .text(kind)])) }
        for method in [ChainMethod.block, .lightBlock] { calls.append((method, ["height": .integer(3)])) }
        let second = await chain.source.block(at: 2)
        for bytes in try #require(second).block.transactions {
            calls.append((.transaction, ["id": .id(CheckedTransaction.id(of: bytes))]))
        }
        for (method, params) in calls {
            let rules = try #require(try described(method)["result"]?["schema"])
            #expect(schema.faults(of: try await chain.result(method.rawValue, params), by: rules) == [], "\(method) \(params)")
        }
    }

    /// Each method is called wrongly in many ways: it gives the errors that are described for it, each of them, and no others.
    @Test(arguments: ChainMethod.allCases) func itsErrorsAreThoseDescribed(method: ChainMethod) async throws {
        let chain = try await SmallChain()
        let (params, _) = try example(method)
        let unknown = Address(PublicKey(raw: chain.content), on: .test).description
        let values: [JSONValue?] = [
            nil, .null, .bool(true), .integer(0), .integer(1), .integer(99), .integer(Int128(UInt64.max)), .otherNumber,
            .text(""),
            .text("ff"), .text("\(Bytes32.zero)"), .text(unknown), .list([]), .object([:]),
        ]
        var found: Set<Fault.Kind> = []
        func call(_ params: [String: JSONValue]) async throws {
            if let fault = try await chain.fault(method.rawValue, params) { found.insert(fault) }
        }
        try await call(params.merging(["surprise": .null]) { $1 })
        await chain.source.forgetBlocks(before: 3)
        for name in method.params {
            for value in values {
                var changed = params
                changed[name] = value
                try await call(changed)
            }
        }
        if method == .submit {
            let other = Payload.transfer(Transfer(to: chain.source.keys[0].publicKey, amount: QLC("2")!))
            let rival = await chain.source.sign(other, by: 6) { $0.sequence -= 1 }
            try await call(["transaction": .hex(rival.bytes)])
            await chain.source.end()
            try await call(["transaction": .hex(rival.bytes)])
        }
        let errors = try #require(try described(method)["errors"]).list.compactMap { $0["$ref"]?.text }
        var listed = Set(
            errors.compactMap { reference -> Fault.Kind? in
                guard case .integer(let code)? = schema.resolved(reference)["code"] else { return nil }
                return Fault.Kind(rawValue: Int(code))
            })
        #expect(listed.count == errors.count)
        listed.remove(.internalError)  // a fault of the software: not to be had by asking
        #expect(found == listed)
    }
}
