import Foundation
import Lab
import Ledger
import Primitives
import StationAPI
import StationClient
import Testing

/// A wallet with money on the chain that `daemon` signs alone, and the real `qlink`.
struct ChainBuyer {
    let daemon: SimulatedDaemon
    let genesis: Genesis
    let rpc: Int
    let key: PublicKey
    private var wallet: String { Self.wallet(daemon) }

    private static func wallet(_ daemon: SimulatedDaemon) -> String { daemon.folder.appendingPathComponent("wallet.key").path }

    /// Creates the wallet and waits until it has 50 QLC.
    init(of daemon: SimulatedDaemon, genesis: Genesis, rpc: Int) async throws {
        (self.daemon, self.genesis, self.rpc) = (daemon, genesis, rpc)
        let created = try CommandTests.run("qlink", ["wallet", "create", "--wallet", Self.wallet(daemon)])
        key = try #require(PublicKey(created.out.trimmingCharacters(in: .whitespacesAndNewlines)), "\(created)")
        let address = StationChainTests.address(key)
        try give(QLC("50")!, sequence: 0)
        let owner = daemon.owner
        try await StationChainTests.wait("the gift") {
            try StationChainTests.fields(owner, "chain.account", ["address": address])["balance_qlc"] as? String == "50.00000000"
        }
    }

    /// The purse's transaction with that sequence number pays the wallet.
    func give(_ amount: QLC, sequence: UInt64) throws {
        let gift = Transaction(
            chainID: genesis.chainID, sender: StationChainTests.purse.publicKey, sequence: sequence,
            fee: QLC(units: 1_000_000), validUntil: UInt64(Date().timeIntervalSince1970 * 1_000) + 600_000,
            payload: .transfer(Transfer(to: key, amount: amount)))
        let bytes = CheckedTransaction(signing: gift, by: StationChainTests.purse).bytes
        _ = try StationChainTests.fields(daemon.owner, "chain.submit", ["transaction": Hex.encode(bytes)])
    }

    func qlink(_ words: String..., onChain: Bool = false) throws -> CommandTests.Answer {
        let genesis = daemon.folder.appendingPathComponent("genesis.json").path
        let chain = onChain ? ["--node", "http://127.0.0.1:\(rpc)", "--genesis", genesis, "--json"] : []
        return try CommandTests.run("qlink", words + chain + ["--wallet", wallet])
    }

    /// Opens a channel with the station and waits until the station has it.
    func channel(deposit: String) async throws -> Bytes32 {
        struct Opened: Decodable { var channelId: Bytes32 }
        let station = StationChainTests.address(StationChainTests.key.publicKey)
        let answer = try qlink("channel", "open", station, deposit, onChain: true)
        try #require(answer.status == 0, "\(answer)")
        let id = try JSON.decode(Opened.self, from: Data(answer.out.utf8)).channelId
        let control = daemon.control
        try await StationChainTests.wait("the station to have the channel") {
            try await control.get("/v1/channels", as: [ChannelView].self).contains { $0.channelId == id }
        }
        return id
    }
}
