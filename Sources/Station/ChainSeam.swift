import Charging
import Hummingbird
import NIOCore
public import Primitives
public import StationAPI

/// The station's chain node, as its APIs need it. Only the composition root knows what stands behind it.
public struct ChainSeam: Sendable {
    public var status: @Sendable () async -> StatusView.Chain
    /// How old what it knows is; nil while that is less than the station's limit.
    public var silence: @Sendable () async -> Nanoseconds?
    /// What is wrong with it, each with what to do.
    public var alerts: @Sendable () async -> [StatusView.Alert]
    /// Answers a JSON-RPC request; nil to notifications.
    public var answer: @Sendable ([UInt8]) async -> [UInt8]?
    /// Begins to check the whole of what is kept, unless that is under way.
    public var verify: @Sendable () async -> ChainVerificationView
    /// How far that is; nil before the first time.
    public var verification: @Sendable () async -> ChainVerificationView?
    public var wallet: WalletSeam
    public var stake: StakeSeam

    public init(
        status: @escaping @Sendable () async -> StatusView.Chain,
        silence: @escaping @Sendable () async -> Nanoseconds?,
        alerts: @escaping @Sendable () async -> [StatusView.Alert],
        answer: @escaping @Sendable ([UInt8]) async -> [UInt8]?,
        verify: @escaping @Sendable () async -> ChainVerificationView,
        verification: @escaping @Sendable () async -> ChainVerificationView?, wallet: WalletSeam,
        stake: StakeSeam
    ) {
        (self.status, self.silence, self.alerts, self.answer) = (status, silence, alerts, answer)
        (self.verify, self.verification, self.wallet, self.stake) = (verify, verification, wallet, stake)
    }
}

extension Station {
    func chain() throws -> ChainSeam {
        guard let chain = seams.chain else {
            throw Problem(.unknown, "this station has no chain node; name a genesis file below [chain]")
        }
        return chain
    }

    /// A voucher of a channel on the chain is worth what the chain will pay: who does not hear of a channel's close may lose it.
    func hearsChain(of id: ChannelID) async throws {
        guard let chainID = await cashier.read({ $0.channels[id]?.channel.chainID }), chainID != .zero else { return }
        guard let chain = seams.chain else {
            throw Problem(
                .unavailable, "channel \(id) is on a chain that this station has no node of any more; try another station")
        }
        guard let silence = await chain.silence() else { return }
        throw Problem(
            .unavailable,
            "the station has not heard of its chain for \(silence.wholeSeconds) s and takes no payment from channels; try again later"
        )
    }

    /// For wallets, with JSON-RPC's own errors: docs/chain-api.md.
    ///
    /// - Parameter answer: lets an answer be made, or throws for who may not ask now.
    func chainRPC(
        _ api: Routes,
        answer: @escaping @Sendable (Request, CallContext, @Sendable () async -> [UInt8]?) async throws -> [UInt8]? = {
            await $2()
        }
    ) {
        api.post("chain/rpc") { request, context -> Response in
            let chain = try chain()
            guard let body = try? await request.body.collect(upTo: CallContext.bodyLimit) else {
                throw Problem(.malformed, "a request has at most \(CallContext.bodyLimit) bytes")
            }
            let bytes = Array(body.readableBytesView)
            guard let told = try await answer(request, context, { await chain.answer(bytes) }) else { return .noContent }
            return .bytes(told, type: "application/json", status: .ok)
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
