import Foundation
import Lab
import Ledger
import Primitives
import StationAPI
import Testing

/// `qlink` against the real daemon's node: over TCP, and over the station's own socket as its owner does.
@Suite struct WalletOnChainTests {
    private struct Sent: Decodable {
        struct Proof: Decodable { var proved: Bool }
        var status: String
        var proof: Proof
    }

    private struct Balance: Decodable {
        var balanceQlc: QLC
        var sequence: UInt64
    }

    private static func qlink(_ words: [String]) async throws -> CommandTests.Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try CommandTests.run("qlink", words) }) }
        }
    }

    @Test func aPaymentIsProvedByTheNextBlock() async throws {
        let (genesis, rpc) = (StationChainTests.genesis(), try freePort())
        let daemon = try await StationChainTests.delegate(rpc: rpc, genesis: genesis)
        let wallet = daemon.folder.appendingPathComponent("wallet.key").path
        try #require(
            FileManager.default.createFile(
                atPath: wallet, contents: Data(StationChainTests.purse.seed), attributes: [.posixPermissions: 0o600]))
        let file = daemon.folder.appendingPathComponent("genesis.json").path
        let payee = Address(PrivateKey(seed: [UInt8](repeating: 7, count: 32))!.publicKey, on: .test).description
        let common = ["--wallet", wallet, "--genesis", file, "--json"]
        let (tcp, owner) = ("127.0.0.1:\(rpc)", daemon.folder.path + "/control.sock")

        async let first = Self.qlink(["wallet", "send", payee, "12.5", "--node", tcp] + common)
        var balance = Balance(balanceQlc: .zero, sequence: 0)
        for _ in 0..<200 where balance.sequence == 0 {
            try await Task.sleep(for: .milliseconds(50))
            let answer = try await Self.qlink(["wallet", "balance", "--node", owner, "--no-wait"] + common)
            try #require(answer.status == 0, "\(answer)")
            balance = try JSON.decode(Balance.self, from: Data(answer.out.utf8))
        }
        // The next block comes for this one, and its header names the state after the first.
        let second = try await Self.qlink(["wallet", "send", payee, "1", "--node", owner, "--no-wait"] + common)
        #expect(second.status == 0, "\(second)")
        let told = try await first
        try #require(told.status == 0, "\(told)")
        let sent = try JSON.decode(Sent.self, from: Data(told.out.utf8))
        #expect(sent.status == "done" && sent.proof.proved)
        let paid = try await Self.qlink(["wallet", "balance", payee, "--node", tcp, "--no-wait"] + common)
        #expect(try JSON.decode(Balance.self, from: Data(paid.out.utf8)).balanceQlc >= QLC("12.5")!, "\(paid)")
        let history = try await Self.qlink(["history", "--chain", "--node", tcp, "--wallet", wallet])
        #expect(history.status == 0 && history.out.contains("12.50000000"), "\(history)")
    }
}
