import BoundedJSON
import Chain
import Consensus
public import Ledger
import Node
import Primitives

/// The open API of the chain [CHAIN-6]: JSON-RPC 2.0 for wallets and third parties. docs/chain-api.md tells how it is used, docs/openrpc.json
/// what each method takes and gives.
///
/// ```
///  bytes ─▶ JSONRPC (limits, envelope) ─▶ Arguments (by name) ─▶ ChainSource (reads) ─▶ ChainViews ─▶ bytes
/// ```
public struct ChainRPC: Sendable {
    let source: any ChainSource
    let history: ChainHistory
    let views: ChainViews

    /// - Parameter history: follows the same source.
    public init(_ source: any ChainSource, history: ChainHistory) {
        (self.source, self.history, views) = (source, history, ChainViews(source.genesis))
    }

    public var genesis: Genesis { source.genesis }

    /// Final blocks from now on, or from behind the one at height `last`, as server-sent events.
    public func events(_ watch: ChainWatch, after last: UInt64?) async -> ChainEvents {
        await ChainEvents(of: source, history: history, watch: watch, after: last)
    }

    /// The answer to a request, single or batch; nil when only notifications came.
    public func answer(to request: [UInt8]) async -> [UInt8]? {
        await JSONRPC { (name, params) async throws(Fault) in try await call(name, params) }.answer(to: request)
    }

    private func call(_ name: String, _ params: JSONValue?) async throws(Fault) -> JSONValue {
        guard let method = ChainMethod(rawValue: name) else {
            throw Fault(
                .methodNotFound, "there is no \"\(name.prefix(40))\"; docs/openrpc.json lists the methods, chain.status is one")
        }
        return try await result(of: method, Arguments(params, of: method, on: views.network))
    }

    private func result(of method: ChainMethod, _ given: Arguments) async throws(Fault) -> JSONValue {
        let (views, genesis) = (views, source.genesis)
        switch method {
        case .status: return await source.read { views.status($0, genesis) }
        case .genesis: return try written { () throws in try views.genesis(genesis) }
        case .parameters: return try await parameters()
        case .peers: return await source.read { views.peers($0) }
        case .block:
            let certified = try await block(at: given.height())
            return views.block(certified.block, certified.commit)
        case .lightBlock: return views.lightBlock(try await lightBlock(at: given.height()))
        case .validators: return try await validators(at: given.has("height") ? given.height() : nil)
        case .transaction: return try await transaction(given.id())
        case .submit: return try await submit(given.bytes("transaction"))
        case .visits: return try await visits(given)
        case .proof: return try await proof(given)
        default: return try await lookUp(method, given)
        }
    }

    private func parameters() async throws(Fault) -> JSONValue {
        let (parameters, height) = await source.read { ($0.state.parameters, $0.state.head.height) }
        return try written { () throws in
            .fields([
                "height": .count(height), "hash": .id(parameters.hash), "parameters": try JSONValue(writing: parameters),
            ])
        }
    }

    private func written(_ body: () throws -> JSONValue) throws(Fault) -> JSONValue {
        do { return try body() } catch {
            throw Fault(.internalError, "the answer could not be written; report this with the request")
        }
    }

    // MARK: Transactions

    private func transaction(_ id: Bytes32) async throws(Fault) -> JSONValue {
        let (waiting, height) = await source.read { ($0.pool[id], $0.state.head.height) }
        if let waiting { return views.transaction(waiting.transaction, id: id, nil) }
        // Between the pool and the history it is nowhere: whoever asks then must not believe it lost.
        await history.catchUp(to: height)
        guard let place = await history.place(of: id), let certified = try? await block(at: place.height),
            certified.block.transactions.indices.contains(place.index),
            let signed = try? Signed<Transaction>(canonicalBytes: certified.block.transactions[place.index])
        else {
            throw Fault(
                .notFound,
                "no transaction \(id) waits here or is among the newest; ask chain.account whether its sequence is used")
        }
        return views.transaction(signed.claim, id: id, place)
    }

    private func submit(_ bytes: [UInt8]) async throws(Fault) -> JSONValue {
        let checked: CheckedTransaction
        do throws(Inadmissible) { checked = try CheckedTransaction(bytes, on: source.genesis.chainID) } catch {
            throw Fault(.inadmissible, "\(error); sign it anew")
        }
        let isNew: Bool
        do {
            try await source.submit(checked)
            isNew = true
        } catch Mempool.Refusal.known {
            isNew = false  // who did not hear the answer asks again
        } catch Mempool.Refusal.inadmissible(let why) {
            throw Fault(.inadmissible, "\(why); sign it anew")
        } catch let refusal as Mempool.Refusal {
            throw Fault(.refused, "\(refusal)")
        } catch {
            throw Fault(.unavailable, "the node is ending; submit the same bytes again later, or elsewhere")
        }
        return .fields(["id": .id(checked.id), "is_new": .bool(isNew)])
    }
}
