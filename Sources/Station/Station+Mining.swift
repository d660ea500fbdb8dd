import HAL
import Hummingbird
public import Primitives
public import StationAPI

/// The station's mining, as its APIs need it. Only the composition root knows what stands behind it.
public struct MiningSeam: Sendable {
    public var view: @Sendable () async -> MiningView
    /// For so long; nil: until resumed. It stands still when this returns, and stays so over restarts.
    public var pause: @Sendable (Nanoseconds?) async throws -> Void
    public var resume: @Sendable () async throws -> Void
    public var alerts: @Sendable () async -> [StatusView.Alert]

    public init(
        view: @escaping @Sendable () async -> MiningView, pause: @escaping @Sendable (Nanoseconds?) async throws -> Void,
        resume: @escaping @Sendable () async throws -> Void, alerts: @escaping @Sendable () async -> [StatusView.Alert]
    ) {
        (self.view, self.pause, self.resume, self.alerts) = (view, pause, resume, alerts)
    }
}

extension Station {
    private func mining() throws -> MiningSeam {
        guard let mining = seams.mining else {
            throw Problem(.unknown, "this station does not mine; name a pool or a node below [mining]")
        }
        return mining
    }

    /// With the hottest sensor's heat, which is the board's.
    private func miningView() async throws -> MiningView {
        var view = try await mining().view()
        view.temperatureCelsius = await seams.temperature()
        return view
    }

    func miningRoutes(_ api: Routes) {
        api.get("mining") { _, _ -> Response in try .json(await miningView()) }
        api.post("mining/pause") { request, _ -> Response in
            let seconds = try await request.json(MiningPause.self).seconds
            guard seconds.map({ (1...MiningPause.longest).contains($0) }) ?? true else {
                throw Problem(.malformed, "a pause lasts 1 s to a year; without a time it lasts until mining is resumed")
            }
            try await mining().pause(seconds.map { .seconds($0) })
            return try .json(await miningView())
        }
        api.post("mining/resume") { _, _ -> Response in
            try await mining().resume()
            return try .json(await miningView())
        }
    }

    func miningStatus() async -> StatusView.Mining? {
        guard let view = await seams.mining?.view() else { return nil }
        return StatusView.Mining(
            state: view.state.rawValue, reason: view.reason, hashrate: UInt64(max(0, view.hashrate.minute ?? 0)))
    }
}
