import Charging
import Foundation
import Lab
import Ledger
import Primitives
import StationAPI
import StationClient
import Testing

/// The real `qlink` with a wallet that the purse gave 50 QLC, and a channel of it that the station serves.
struct ChainBuyer {
    let daemon: SimulatedDaemon
    let key: PublicKey
    let channel: ChannelID
    /// What a command needs to speak with the chain.
    let chain: [String]
    private let genesis: Genesis

    /// - Parameters:
    ///   - daemon: signs the chain of `genesis` alone.
    ///   - rpc: the TCP port of its open API.
    init(of daemon: SimulatedDaemon, _ genesis: Genesis, rpc: Int, deposit: String) async throws {
        (self.daemon, self.genesis) = (daemon, genesis)
        chain = [
            "--node", "http://127.0.0.1:\(rpc)", "--genesis", daemon.folder.appendingPathComponent("genesis.json").path, "--json",
        ]
        let created = try Self.run(["wallet", "create"], daemon)
        key = try #require(PublicKey(created.out.trimmingCharacters(in: .whitespacesAndNewlines)), "\(created)")
        try Self.give(QLC("50")!, to: key, sequence: 0, genesis, daemon)
        let (own, station) = (StationChainTests.address(key), StationChainTests.address(StationChainTests.key.publicKey))
        try await StationChainTests.wait("the gift") {
            try StationChainTests.fields(daemon.owner, "chain.account", ["address": own])["balance_qlc"] as? String
                == "50.00000000"
        }
        struct Opened: Decodable { var channelId: Bytes32 }
        let opened = try Self.run(["channel", "open", station, deposit] + chain, daemon)
        try #require(opened.status == 0, "\(opened)")
        let id = try JSON.decode(Opened.self, from: Data(opened.out.utf8)).channelId
        channel = id
        try await StationChainTests.wait("the station to have the channel") {
            try await daemon.control.get("/v1/channels", as: [ChannelView].self).contains { $0.channelId == id }
        }
    }

    /// One more QLC, by the purse's transaction with that sequence number: the chain has a block more.
    func giveMore(sequence: UInt64) throws { try Self.give(QLC("1")!, to: key, sequence: sequence, genesis, daemon) }

    private static func give(
        _ amount: QLC, to key: PublicKey, sequence: UInt64, _ genesis: Genesis, _ daemon: SimulatedDaemon
    ) throws {
        let gift = Transaction(
            chainID: genesis.chainID, sender: StationChainTests.purse.publicKey, sequence: sequence,
            fee: QLC(units: 1_000_000), validUntil: UInt64(Date().timeIntervalSince1970 * 1_000) + 600_000,
            payload: .transfer(Transfer(to: key, amount: amount)))
        let bytes = CheckedTransaction(signing: gift, by: StationChainTests.purse).bytes
        _ = try StationChainTests.fields(daemon.owner, "chain.submit", ["transaction": Hex.encode(bytes)])
    }

    /// What `qlink` prints; it must succeed.
    func qlink(_ words: [String]) throws -> String {
        let answer = try run(words)
        #expect(answer.status == 0, "\(words): \(answer)")
        return answer.out
    }

    func run(_ words: [String]) throws -> CommandTests.Answer { try Self.run(words, daemon) }

    private static func run(_ words: [String], _ daemon: SimulatedDaemon) throws -> CommandTests.Answer {
        try CommandTests.run("qlink", words + ["--wallet", daemon.folder.appendingPathComponent("wallet.key").path])
    }

    @discardableResult func connect() throws -> CommandTests.Answer {
        try run([
            "connect", "127.0.0.1:\(daemon.port)", "--channel", "\(channel)", "--tariff", "per-byte", "--yes", "--once",
            "--simulated-client", "1",
        ])
    }
}
