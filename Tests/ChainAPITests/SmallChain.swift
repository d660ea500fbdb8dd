import BoundedJSON
import Chain
import ChainAPI
import Charging
import Consensus
import Foundation
import Ledger
import Primitives
import Testing
import ToyLedger

/// A chain on which one of everything has happened, and the API on it. The examples of docs/openrpc.json are asked of this one.
struct SmallChain {
    let source: LedgerSource
    let history = ChainHistory()
    let rpc: ChainRPC
    private(set) var asset = Bytes32.zero
    private(set) var channel = Bytes32.zero
    private(set) var tariff = Bytes32.zero
    let content = TaggedHash.digest(tag: "test/film", [])
    private(set) var done = Bytes32.zero
    private(set) var refused = Bytes32.zero
    private(set) var waiting = Bytes32.zero

    init(name: String = "devnet") async throws {
        source = try LedgerSource(name: name)
        rpc = ChainRPC(source, history: history)
        let (owner, buyer) = (source.keys[4].publicKey, source.keys[5].publicKey)
        done = try await source.offer(.transfer(Transfer(to: buyer, amount: QLC("12.5")!)), by: 4).id
        let bytes = Tariff(id: "day", name: "By day").canonicalBytes
        tariff = PublishTariff(bytes).digest
        try await source.offer(.publishTariff(PublishTariff(bytes)), by: 4)
        let registration = RegisterAsset(Self.facts("u0nd9k", tariff))
        try await source.offer(.registerAsset(registration), by: 4)
        asset = registration.identity(of: owner, 2)
        try await source.offer(.registerAsset(RegisterAsset(Self.facts("u0nd9h", tariff))), by: 6)
        try await makeBlock()
        try await source.offer(.openChannel(opening(to: owner)), by: 5)
        channel = OpenChannel.id(of: buyer, 0)
        try await source.offer(.stake(Stake(with: source.keys[0].publicKey, amount: QLC("5000")!)), by: 5)
        try await source.offer(.registerContent(RegisterContent(hash: content, size: 20_000_000)), by: 5)
        try await source.offer(
            .commitUsage(CommitUsage(asset: asset, usageRoot: content, records: 3, visits: [SealedVisit([7, 7, 7])])), by: 4)
        refused = try await source.offer(.transfer(Transfer(to: owner, amount: .supply)), by: 7).id
        try await makeBlock()
        try await makeBlock()
        waiting = try await source.offer(.transfer(Transfer(to: owner, amount: QLC("1")!)), by: 6).id
    }

    func makeBlock() async throws { await history.note(try await source.makeBlock()) }

    func opening(to payee: PublicKey, deposit: QLC = QLC("10")!) -> OpenChannel {
        OpenChannel(
            payee: payee, sessionKey: source.keys[6].publicKey, asset: asset == .zero ? nil : asset, deposit: deposit,
            tariff: tariff, expiry: LedgerSource.start + 86_400_000, disputeWindow: 3_600_000)
    }

    static func facts(_ geohash: String, _ tariff: Bytes32 = .zero) -> AssetFacts {
        var facts = AssetFacts()
        (facts.geohash, facts.endpoint, facts.ssid) = (geohash, "192.0.2.1:2050", Array("Qlink".utf8))
        (facts.bssid, facts.downlink, facts.uplink, facts.tariff) = (0x0200_0000_0001, 50_000_000, 10_000_000, tariff)
        return facts
    }

    func address(_ person: Int) -> JSONValue {
        .text(Address(source.keys[person].publicKey, on: .init(ofChain: source.genesis.name)).description)
    }

    /// The whole answer to one call.
    func answer(_ method: String, _ params: [String: JSONValue] = [:]) async throws -> JSONValue {
        let request = JSONValue.object([
            "jsonrpc": .text("2.0"), "id": .integer(1), "method": .text(method), "params": .object(params),
        ])
        let answer = try JSONValue(bytes: try #require(await rpc.answer(to: request.bytes)))
        #expect(answer["jsonrpc"] == .text("2.0") && answer["id"] == .integer(1))
        #expect((answer["result"] == nil) != (answer["error"] == nil), "either a result or an error")
        return answer
    }

    func result(
        _ method: String, _ params: [String: JSONValue] = [:], location: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let answer = try await answer(method, params)
        return try #require(answer["result"], "\(String(decoding: answer.bytes, as: UTF8.self))", sourceLocation: location)
    }

    func fault(_ method: String, _ params: [String: JSONValue] = [:]) async throws -> Fault.Kind? {
        guard case .integer(let code)? = try await answer(method, params)["error"]?["code"] else { return nil }
        return Fault.Kind(rawValue: Int(code))
    }
}

extension JSONValue {
    static func id(_ id: Bytes32) -> JSONValue { .text(id.description) }
    static func hex(_ bytes: [UInt8]) -> JSONValue { .text(Hex.encode(bytes)) }
    var text: String? { if case .text(let text) = self { text } else { nil } }
    var list: [JSONValue] { if case .list(let list) = self { list } else { [] } }
    var unhexed: [UInt8]? { text.flatMap { Hex.decode($0) } }
}

/// A file of the repository.
func repositoryFile(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: #filePath).appendingPathComponent("../../../" + path).standardizedFileURL))
}
