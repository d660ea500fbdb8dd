import Hummingbird
import NIOCore
import Primitives
public import StationAPI

/// The station's chain node, as its APIs need it. Only the composition root knows what stands behind it.
public struct ChainSeam: Sendable {
    public var status: @Sendable () async -> StatusView.Chain
    /// What is wrong with it, each with what to do.
    public var alerts: @Sendable () async -> [StatusView.Alert]
    /// Answers a JSON-RPC request; nil to notifications.
    public var answer: @Sendable ([UInt8]) async -> [UInt8]?
    /// Begins to check the whole of what is kept, unless that is under way.
    public var verify: @Sendable () async -> ChainVerificationView
    /// How far that is; nil before the first time.
    public var verification: @Sendable () async -> ChainVerificationView?
    public var wallet: WalletSeam

    public init(
        status: @escaping @Sendable () async -> StatusView.Chain,
        alerts: @escaping @Sendable () async -> [StatusView.Alert],
        answer: @escaping @Sendable ([UInt8]) async -> [UInt8]?,
        verify: @escaping @Sendable () async -> ChainVerificationView,
        verification: @escaping @Sendable () async -> ChainVerificationView?, wallet: WalletSeam
    ) {
        (self.status, self.alerts, self.answer) = (status, alerts, answer)
        (self.verify, self.verification, self.wallet) = (verify, verification, wallet)
    }
}

extension Station {
    func chain() throws -> ChainSeam {
        guard let chain = seams.chain else {
            throw Problem(.unknown, "this station has no chain node; name a genesis file below [chain] and restart the daemon")
        }
        return chain
    }

    /// For wallets, with JSON-RPC's own errors: docs/chain-api.md.
    func chainRPC(_ api: Routes) {
        api.post("chain/rpc") { request, _ -> Response in
            let chain = try chain()
            guard let body = try? await request.body.collect(upTo: CallContext.bodyLimit) else {
                throw Problem(.malformed, "a request has at most \(CallContext.bodyLimit) bytes")
            }
            guard let answer = await chain.answer(Array(body.readableBytesView)) else { return .noContent }
            return .bytes(answer, type: "application/json", status: .ok)
        }
    }

    func chainRoutes(_ api: Routes) {
        chainRPC(api)
        api.post("chain/verification") { _, _ -> Response in try .json(await chain().verify(), status: .accepted) }
        api.get("chain/verification") { _, _ -> Response in
            guard let view = try await chain().verification() else {
                throw Problem(.unknown, "nothing was verified since the daemon started; POST here begins")
            }
            return try .json(view)
        }
    }
}
