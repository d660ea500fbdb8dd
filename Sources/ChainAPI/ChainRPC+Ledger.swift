import BoundedJSON
import Chain
import Charging
import Consensus
import Ledger
import Node
import Primitives

/// Single things of the ledger, and lists of them.
extension ChainRPC {
    private static let delegatesLimit: UInt64 = 1_000
    private static let assetsLimit: UInt64 = 100
    private static let radiusLimit: UInt64 = 100_000

    func lookUp(_ method: ChainMethod, _ given: Arguments) async throws(Fault) -> JSONValue {
        let views = views
        switch method {
        case .account:
            let key = try given.address()
            return await source.read { views.account(key, on: $0.state) }
        case .nextSequence:
            let key = try given.address()
            return await source.read { now in
                .fields([
                    "next_sequence": .count(now.pool.nextSequence(of: key, on: now.state)),
                    "sequence": .count(now.state.account(key).sequence),
                ])
            }
        case .fee: return try await fee(given)
        case .delegates: return await delegates(atMost: try given.integer("limit", in: 1...Self.delegatesLimit, otherwise: 100))
        case .assetsNear: return try await assetsNear(given)
        case .delegate:
            let key = try given.address()
            return try await find("delegate \(Address(key, on: views.network))") { now in
                now.state.delegate(key).map { views.delegate($0, on: now.state) }
            }
        case .delegation:
            let (staker, delegate) = (try given.address("staker"), try given.address("delegate"))
            return try await find("stake of that account with that delegate") { now in
                guard case .delegation(let delegation)? = now.state[.delegation(of: staker, with: delegate)],
                    let record = now.state.delegate(delegate)
                else { return nil }
                return views.delegation(delegation, with: record)
            }
        default: return try await lookUpByID(method, given.id())
        }
    }

    private func lookUpByID(_ method: ChainMethod, _ id: Bytes32) async throws(Fault) -> JSONValue {
        let views = views
        return try await find("\(method.rawValue.dropFirst("chain.".count)) \(id)") { now in
            let state = now.state
            switch method {
            case .channel: return state.channel(id).map { views.channel(id, $0, at: state.head.time) }
            case .asset: return state.asset(id).map { views.asset(id, $0, at: state.head.height) }
            case .tariff: if case .tariff(let tariff)? = state[.tariff(id)] { return views.tariff(id, tariff) }
            case .content: if case .content(let content)? = state[.content(id)] { return views.content(id, content) }
            case .usage: if case .usage(let usage)? = state[.usage(of: id)] { return views.usage(id, usage) }
            default: break
            }
            return nil
        }
    }

    private func find(_ what: String, _ body: @Sendable (ChainMoment) -> JSONValue?) async throws(Fault) -> JSONValue {
        guard let found = await source.read(body) else {
            throw Fault(.notFound, "the ledger has no \(what); if it is new wait until it is final, or compare what you sent")
        }
        return found
    }

    private func fee(_ given: Arguments) async throws(Fault) -> JSONValue {
        let kind = try given.choice("kind", of: Payload.Kind.allCases)
        let bytes = Int(try given.integer("bytes", in: 1...UInt64(Block.transactionSizeLimit)))
        let parameters = await source.read { $0.state.parameters }
        return .fields(["fee_qlc": .amount(Fees.least(for: kind, bytes: bytes, parameters))])
    }

    /// Those with most stake first.
    private func delegates(atMost limit: UInt64) async -> JSONValue {
        let views = views
        return await source.read { now in
            let all = now.state.keys(of: .delegate).compactMap { key -> DelegateRecord? in
                if case .delegate(let record)? = now.state[key] { record } else { nil }
            }
            let ranked = all.sorted { $0.stake == $1.stake ? $0.key < $1.key : $0.stake > $1.stake }
            return .fields([
                "count": .count(all.count),
                "delegates": .list(ranked.prefix(Int(limit)).map { views.delegate($0, on: now.state) }),
            ])
        }
    }

    /// Nearest first. Goes through all assets, and waits for its turn between two events of the node.
    private func assetsNear(_ given: Arguments) async throws(Fault) -> JSONValue {
        let text = try given.text("geohash", atMost: AssetFacts.geohashLimit)
        guard let here = Geohash(text) else {
            throw Fault(.invalidParams, "geohash has 1 to \(AssetFacts.geohashLimit) of 0-9 b-h j k m n p-z, like \"u4pruyd\"")
        }
        let radius = Double(try given.integer("radius_m", in: 1...Self.radiusLimit, otherwise: 2_000))
        let limit = Int(try given.integer("limit", in: 1...Self.assetsLimit, otherwise: 20))
        let views = views
        return await source.read { now in
            let height = now.state.head.height
            var near: [(distance: Double, id: AssetID, asset: Asset)] = []
            for key in now.state.keys(of: .asset) {
                guard let asset = now.state.asset(key.id), !asset.isRetired,
                    let distance = Geohash(asset.facts(at: height).geohash)?.metres(to: here), distance <= radius
                else { continue }
                near.append((distance, key.id, asset))
            }
            near.sort { ($0.distance, $0.id) < ($1.distance, $1.id) }
            return .fields([
                "count": .count(near.count),
                "assets": .list(near.prefix(limit).map { views.asset($0.id, $0.asset, at: height, distance: $0.distance) }),
            ])
        }
    }
}
