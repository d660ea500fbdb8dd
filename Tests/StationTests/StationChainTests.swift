import Charging
import Foundation
import Lab
import Ledger
import Primitives
import StationAPI
import StationClient
import Testing

/// The daemon with a chain node of its own: the one delegate of a chain that the test began.
@Suite struct StationChainTests {
    static let key = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!
    /// Has money; the station's own key signs what the station does by itself.
    static let purse = PrivateKey(seed: [UInt8](repeating: 2, count: 32))!

    static func genesis() -> Genesis {
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        return Genesis(
            name: "one", time: UInt64(Date().timeIntervalSince1970 * 1_000) - 60_000,
            allocations: [
                .init(key.publicKey, QLC("1000")!),
                .init(purse.publicKey, QLC(units: QLC.supply.units - stake.units - QLC("1000")!.units)),
            ],
            delegates: [.init(key.publicKey, stake: stake)])
    }

    /// A daemon that signs blocks alone; `rpc` is the TCP port of the open API.
    static func delegate(rpc: Int, genesis: Genesis = genesis(), more: String = "") async throws -> SimulatedDaemon {
        try await SimulatedDaemon(
            chain: """
                role = "delegate"
                rpc_listen = "127.0.0.1:\(rpc)"
                geohash = "u33dc0"
                commit_usage_after = "0s"
                \(more)
                """
        ) { folder in
            try JSONEncoder().encode(genesis).write(to: folder.appendingPathComponent("genesis.json"))
            let state = folder.appendingPathComponent("state")
            try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
            try Data(repeating: 1, count: 32).write(to: state.appendingPathComponent("station.key"))
            chmod(state.path, 0o700)
            chmod(state.appendingPathComponent("station.key").path, 0o600)
        }
    }

    static func call(_ method: String, _ params: [String: String] = [:]) throws -> String {
        let call: [String: Any] = ["jsonrpc": "2.0", "id": 1, "method": method, "params": params]
        return String(decoding: try JSONSerialization.data(withJSONObject: call), as: UTF8.self)
    }

    private func ask(_ daemon: SimulatedDaemon, _ words: String) throws -> CommandTests.Answer {
        try CommandTests.run(
            "basestation", words.split(separator: " ").map(String.init),
            ["BASESTATION_SOCKET": daemon.folder.path + "/control.sock"])
    }

    @Test func aPaymentThroughTheBuyersPortIsFinalAndShown() async throws {
        let (genesis, rpc) = (Self.genesis(), try freePort())
        let daemon = try await Self.delegate(rpc: rpc, genesis: genesis)
        // Who follows hears of the block; one that comes later is told it as well.
        let events = try #require(Socket(.tcp(rpc)))
        events.send(Array("GET /events?after=0 HTTP/1.1\r\nHost: a\r\n\r\n".utf8))

        let payee = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!.publicKey
        let transaction = Transaction(
            chainID: genesis.chainID, sender: Self.purse.publicKey, sequence: 0, fee: QLC(units: 1_000_000),
            validUntil: UInt64(Date().timeIntervalSince1970 * 1_000) + 600_000,
            payload: .transfer(Transfer(to: payee, amount: QLC(units: 700))))
        let signed = CheckedTransaction(signing: transaction, by: Self.purse)
        let submitted = try daemon.ask(
            1, "POST", "/v1/chain/rpc", Self.call("chain.submit", ["transaction": Hex.encode(signed.bytes)]))
        #expect(submitted.status == 200 && submitted.body.contains(signed.id.description), "\(submitted.body)")

        let heard = String(decoding: events.read(until: "event: block", patience: 20), as: UTF8.self)
        #expect(heard.contains("text/event-stream") && heard.contains("event: block"), "\(heard)")

        try await Self.wait("the payment") {
            let found = RawHTTP(place: .tcp(rpc)).ask(
                "POST", "/rpc", body: try Self.call("chain.transaction", ["id": signed.id.description]))
            return found?.body.contains("\"status\":\"done\"") == true
        }

        let status = try await daemon.control.get("/v1/status", as: StatusView.self)
        #expect(status.chain?.role == "delegate" && status.chain?.trouble == nil)
        #expect(try #require(status.chain).height >= 1 && status.chain?.syncing == false)
        for words in ["chain status", "chain block 1", "chain peers", "chain verify", "status"] {
            let answer = try ask(daemon, words)
            #expect(answer.status == 0 && answer.widest <= 80, "\(words): \(answer)")
        }
        #expect(try ask(daemon, "chain verify --json").out.contains("\"sound\""))
        #expect(try ask(daemon, "chain block 999").status == 1)
        #expect(try ask(daemon, "chain asset \(signed.id)").status == 1)
        #expect(try #require(daemon.owner.ask("GET", "/metrics")).body.contains("\nbasestation_chain_peers 0\n"))
    }

    /// The whole way of money: the wallet's deposit on the chain, vouchers for service, and the station's settlement on the chain again.
    /// And what the wallet has of it afterwards: a visit on the chain that it alone can read.
    @Test func aChannelOnTheChainIsServedAndSettled() async throws {
        let (genesis, rpc) = (Self.genesis(), try freePort())
        let daemon = try await Self.delegate(rpc: rpc, genesis: genesis)
        let buyer = try await ChainBuyer(of: daemon, genesis, rpc: rpc, deposit: "30")
        let id = buyer.channel
        // The owner's word is worth nothing there.
        let deposit = daemon.owner.ask("PUT", "/v1/channels/\(id)/deposit", body: #"{"deposit_qlc":"40"}"#)
        #expect(deposit?.status == 409)
        let held = try await daemon.control.get("/v1/channels", as: [ChannelView].self).first
        #expect(held?.chainId == genesis.chainID && held?.depositQlc == QLC("30")! && held?.payer == buyer.key)

        let connected = try buyer.connect()
        #expect(connected.status == 0, "\(connected)")
        // More than the station leaves at risk.
        _ = try buyer.qlink(["pay", "12"])
        try await Self.wait("the settlement") {
            let settled = try Self.fields(daemon.owner, "chain.channel", ["id": "\(id)"])["settled_qlc"] as? String
            return try #require(settled.flatMap { QLC($0) }) > QLC("12")!
        }
        // The station has registered itself meanwhile.
        try await Self.wait("the station to be found") {
            let near = try buyer.qlink(["find", "--near", "52.52,13.405", "--radius", "5km"] + buyer.chain)
            return near.contains(Self.address(Self.key.publicKey))
        }
        try await Self.expectVisit(of: buyer)
    }

    private struct Histories: Decodable {
        struct Visit: Decodable {
            struct Proof: Decodable { var proved: Bool }
            var sessionId: String
            var assetId: Bytes32
            var station: PublicKey
            var tariffId: String
            var chargeQlc: QLC
            var proof: Proof
        }
        var visits: [Visit]
    }

    /// The session ends; the station commits to it; its buyer finds it on the chain, and somebody else does not.
    private static func expectVisit(of buyer: ChainBuyer) async throws {
        let daemon = buyer.daemon
        struct Known: Decodable { var sessionId: String }
        let session = try #require(try JSON.decode([Known].self, from: Data(try buyer.qlink(["history", "--json"]).utf8)).last)
            .sessionId
        #expect(try daemon.ask(1, "DELETE", "/v1/sessions/\(session)").status == 200)
        let history = ["history", "--chain", "--no-wait"] + buyer.chain
        var found: [Histories.Visit] = []
        try await wait("the visit on the chain") {
            found = try JSON.decode(Histories.self, from: Data(try buyer.qlink(history).utf8)).visits
            return !found.isEmpty
        }
        #expect(found.map(\.sessionId) == [session] && found.first?.station == key.publicKey)
        #expect(found.first?.tariffId == "per-byte")
        try await expectProof(of: session, at: daemon, asset: try #require(found.first).assetId)
        let words = try buyer.run(history.filter { $0 != "--json" })
        #expect(words.status == 0 && words.out.contains("per-byte at ") && words.widest <= 80, "\(words)")
        let other = daemon.folder.appendingPathComponent("other.key").path
        #expect(try CommandTests.run("qlink", ["wallet", "create", "--wallet", other]).status == 0)
        let others = try CommandTests.run("qlink", history + ["--wallet", other])
        #expect(try JSON.decode(Histories.self, from: Data(others.out.utf8)).visits.isEmpty, "\(others)")
    }

    /// The station's own record of the visit stands under a root that the ledger has.
    private static func expectProof(of session: String, at daemon: SimulatedDaemon, asset: Bytes32) async throws {
        var proof: UsageProof?
        try await wait("the proof") {
            let answer = try daemon.ask(1, "GET", "/v1/sessions/\(session)/usage")
            proof = try JSON.decode(UsageProof.self, from: Data(answer.body.utf8))
            return proof?.commitment != nil
        }
        #expect(proof?.isConsistent == true && proof?.record.verified(by: key.publicKey) != nil)
        let usage = try fields(daemon.owner, "chain.usage", ["id": "\(asset)"])
        let latest = try #require(usage["latest"] as? [[String: Any]])
        #expect(latest.contains { $0["usage_root"] as? String == proof?.commitment?.usageRoot.description })
        #expect(try await daemon.control.get("/v1/usage/\(session)", as: UsageProof.self) == proof)
        #expect(daemon.owner.ask("GET", "/v1/usage/\(SessionID(0))")?.status == 404)
    }

    static func address(_ key: PublicKey) -> String { Address(key, on: .test).description }

    static func fields(
        _ station: RawHTTP, _ method: String, _ params: [String: String]
    ) throws -> [String: Any] {
        let answer = try #require(station.ask("POST", "/v1/chain/rpc", body: call(method, params)))
        return try #require(answer.json?["result"] as? [String: Any], "\(method): \(answer.body)")
    }

    static func wait(_ what: String, _ condition: () async throws -> Bool) async throws {
        try await waitUntil(what, timeout: .seconds(60), every: .milliseconds(200), condition)
    }

    @Test func aStationWithoutAChainSaysSo() async throws {
        let daemon = try await SimulatedDaemon()
        for words in ["chain status", "chain verify"] {
            let answer = try ask(daemon, words)
            #expect(answer.status == 1 && answer.err.contains("[chain]"), "\(answer)")
        }
        #expect(try await daemon.control.get("/v1/status", as: StatusView.self).chain == nil)
        #expect(try daemon.ask(1, "POST", "/v1/chain/rpc", Self.call("chain.status")).status == 404)
    }

    /// Wallets cannot be answered, and everything else goes on, the node too.
    @Test func anAPIThatCannotListenIsAnAlertAndNoMore() async throws {
        let rpc = try freePort()
        let holder = try await Self.delegate(rpc: rpc)
        let daemon = try await Self.delegate(rpc: rpc)
        var status = try await daemon.control.get("/v1/status", as: StatusView.self)
        for _ in 0..<100 where status.chain?.trouble == nil {
            try await Task.sleep(for: .milliseconds(50))
            status = try await daemon.control.get("/v1/status", as: StatusView.self)
        }
        #expect(status.chain?.trouble?.contains("127.0.0.1:\(rpc)") == true, "\(String(describing: status.chain))")
        #expect(status.alerts.contains { $0.what.contains("chain") })
        #expect(try daemon.ask(1, "GET", "/v1/offer").status == 200)
        #expect(try ask(daemon, "chain verify").status == 0)
        #expect(holder.isRunning && daemon.isRunning)
    }

    /// Missing, empty, and without its money.
    @Test(arguments: ["", "{}", #"{"name":"x","time":1,"parameters":{},"allocations":[],"vesting":[],"delegates":[]}"#])
    func aGenesisThatIsNoneIsNamed(_ text: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qg-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("genesis.json").path
        if !text.isEmpty { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        let configuration = folder.appendingPathComponent("station.toml")
        try """
        [station]
        hal = "simulated"
        state_directory = "\(folder.path)/state"
        runtime_directory = "\(folder.path)"
        [chain]
        genesis = "\(path)"
        [[tariff]]
        id = "free"
        """.write(to: configuration, atomically: true, encoding: .utf8)
        let answer = try CommandTests.run("basestationd", ["--config", configuration.path])
        #expect(answer.status == 1 && answer.err.contains(path), "\(answer)")
    }
}
