import ArgumentParser
import Glibc
import Primitives
import StationAPI
import StationClient

/// What the station's chain node knows. It is asked as every wallet asks, by JSON-RPC (docs/chain-api.md).
struct ChainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chain", abstract: "The station's node of the Qlink Chain.",
        subcommands: [Status.self, Block.self, Asset.self, Peers.self, Verify.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Where the chain is, and this node in it.")
        @OptionGroup var common: Common
        func run() async throws {
            try common.show(await common.ask("chain.status", as: ChainState.self)) { state in
                [
                    ("Chain", "\(state.name), \(state.chainId)"),
                    ("Height", "\(state.height)" + (state.syncing ? ", catching up to \(state.claimedHeight)" : "")),
                    ("Final since", state.height == 0 ? "nothing is final yet" : state.finalizedAt),
                    ("Block", state.blockId), ("State root", state.stateRoot),
                    ("Epoch", "\(state.epoch)"), ("Peers", "\(state.peers)"),
                    ("Waiting", "\(state.waitingTransactions) transactions, \(state.waitingBytes) bytes"),
                    ("Signs", state.silentBecause.map { "no: \($0)" } ?? "yes"),
                ].flatMap(Screen.field)
            }
        }
    }

    struct Block: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A final block: its header, who signed it, and its transactions.",
            usage: "basestation chain block HEIGHT")
        @OptionGroup var common: Common
        @Argument(help: "The block's height.") var height: UInt64
        func run() async throws {
            let block = try await common.ask("chain.block", ["height": height], as: BlockView.self)
            try common.show(block) { block in
                var lines = [
                    ("Height", "\(block.height)"), ("Block", block.blockId), ("Time", block.header.time),
                    ("Proposer", block.header.proposer), ("Parent", block.header.parent),
                    ("State root", "\(block.header.stateRoot), after the parent"),
                    ("Signed", "in round \(block.commit.round) by \(block.commit.signers.count) delegates"),
                ].flatMap(Screen.field)
                lines += ["", Screen.rule("Transactions: \(block.transactions.count)")]
                for transaction in block.transactions {
                    lines.append("  \(Screen.fit(transaction.kind ?? "unreadable", 16))\(Screen.fit(transaction.id, 62))")
                }
                return lines
            }
        }
    }

    struct Asset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "An asset of the registry, such as a station.", usage: "basestation chain asset ID")
        @OptionGroup var common: Common
        @Argument(help: "64 hexadecimal digits.") var id: String
        func run() async throws {
            guard Bytes32(id) != nil else { throw ValidationError("an asset has 64 hexadecimal digits") }
            try common.show(await common.ask("chain.asset", ["id": id], as: AssetView.self)) { asset in
                [
                    ("Asset", asset.id), ("Owner", asset.owner), ("Kind", asset.facts.kind),
                    ("Registered", "at height \(asset.registeredHeight)" + (asset.isRetired ? ", retired" : "")),
                    ("Place", "geohash \(asset.facts.geohash)"), ("Network", asset.facts.ssid.printable),
                    ("Endpoint", asset.facts.endpoint.printable), ("Tariff", asset.facts.tariff),
                ].flatMap(Screen.field)
            }
        }
    }

    struct Peers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The nodes that this one is connected to.")
        @OptionGroup var common: Common
        func run() async throws {
            try common.show(await common.ask("chain.peers", as: PeersView.self)) { view in
                view.peers.map { Screen.fit($0.key, 66) + Screen.right("\($0.claimedHeight)", 12) }
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks once more every block that is kept.",
            discussion: "With the whole history (role = \"archive\") each block is carried out again from genesis.")
        @OptionGroup var common: Common
        func run() async throws {
            var view = try await common.station.post("/v1/chain/verification", [String](), as: ChainVerificationView.self)
            let progress = Progress(isShown: !common.json)
            while view.state == "running" {
                try await Task.sleep(for: .milliseconds(300))
                view = try await common.station.get("/v1/chain/verification")
                progress.show(view.checkedHeight, from: view.fromHeight, to: view.toHeight, of: "blocks")
            }
            progress.end()
            try common.show(view) { view in
                if let damage = view.damage { return Screen.wrap("✗ " + damage) }
                if view.toHeight == 0 { return ["✓ only genesis is there: no block is final yet"] }
                return Screen.wrap(
                    "✓ blocks \(view.fromHeight) to \(view.toHeight) are sound"
                        + (view.fromHeight <= 1 ? ", each carried out again from genesis" : "; older ones are not kept here"))
            }
            if view.state != "sound" { throw ExitCode(1) }
        }
    }
}

/// What JSON-RPC methods give, as far as people read it; docs/openrpc.json describes all of it.
private struct ChainState: Codable {
    var chainId, name, blockId, finalizedAt, stateRoot: String
    var height, claimedHeight, epoch: UInt64
    var peers, waitingTransactions, waitingBytes: Int
    var syncing: Bool
    var silentBecause: String?
}

private struct BlockView: Codable {
    struct Header: Codable { var time, proposer, parent, stateRoot, transactionRoot, receiptsRoot: String }
    struct Commit: Codable {
        var round: Int
        var signers: [Int]
    }
    struct Transaction: Codable {
        var id: String
        var kind, sender: String?
        var bytes: Int
    }
    var height: UInt64
    var blockId: String
    var header: Header
    var commit: Commit
    var transactions: [Transaction]
}

private struct AssetView: Codable {
    struct Facts: Codable { var kind, geohash, ssid, endpoint, configuration, tariff: String }
    var id, owner: String
    var registeredHeight: UInt64
    var isRetired: Bool
    var facts: Facts
}

private struct PeersView: Codable {
    struct Peer: Codable {
        var key: String
        var claimedHeight: UInt64
    }
    var peers: [Peer]
}

private struct Reply<Result: Decodable>: Decodable {
    struct Fault: Decodable {
        struct Mend: Decodable { var mend: String }
        var message: String
        var data: Mend?
    }
    var result: Result?
    var error: Fault?
}

private struct Call<Params: Encodable>: Encodable {
    var jsonrpc = "2.0"
    var id = 1
    var method: String
    var params: Params
}

extension Common {
    fileprivate func ask<Result: Decodable>(
        _ method: String, _ params: some Encodable = [String: String](), as type: Result.Type
    ) async throws -> Result {
        let reply: Reply<Result> = try await station.post("/v1/chain/rpc", Call(method: method, params: params))
        if let result = reply.result { return result }
        throw Refusal(
            reply.error.map { "\($0.message): \($0.data?.mend ?? "")" } ?? "the daemon gave no answer; are both of one version?")
    }
}
