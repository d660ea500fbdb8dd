public import HAL
public import MiningPool
import NIOCore
import NIOPosix
import Primitives
public import ProofOfWork
public import Stratum

/// Pools, the best first: jobs come from the first that gives any, and again from a better one when it is back.
///
/// A pool that is lost is asked again after a pause that doubles, from a second to five minutes; one that refused for good, after ten.
public actor PoolList: JobSource {
    private static let pauses = Nanoseconds.seconds(1) ... .seconds(300)
    private static let finalPause = Nanoseconds.seconds(600)
    /// Who gave jobs for so long is asked again at once.
    private static let goodWhile = Nanoseconds.seconds(60)
    /// How often a better pool than the present one is looked at.
    private static let returnInterval = Nanoseconds.seconds(300)

    private struct Standing {
        var pause = PoolList.pauses.lowerBound
        var notBefore = Instant.zero
    }

    public nonisolated let name: String
    private let pools: [PoolAddress]
    private let login: StratumLogin
    private let clocks: any Clocks
    private var standings: [Standing]
    private var connection: StratumConnection?
    /// What pools of base stations have signed; a later word of one takes the place of the one before.
    private var held: [PoolMembership]

    /// - Parameters:
    ///   - pools: one at least, the best first
    ///   - held: what they have signed before
    public init(_ pools: [PoolAddress], _ login: StratumLogin, held: [PoolMembership] = [], clocks: any Clocks) {
        (self.pools, self.login, self.held, self.clocks) = (pools, login, held, clocks)
        name = pools.map(\.name).joined(separator: ", ")
        standings = pools.map { _ in Standing() }
    }

    public func submit(_ share: Share) async { await connection?.submit(share) }

    public func run(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        while true {
            try Task.checkCancellation()
            let now = clocks.now().boot
            guard let place = standings.indices.first(where: { standings[$0].notBefore <= now }) else {
                let next = standings.map(\.notBefore).min() ?? now
                try await clocks.sleep(max(.milliseconds(10), next - now))
                continue
            }
            // Also for a better pool: its jobs may have the same names, and are others.
            await tell(.lost(try await mine(at: place, tell)))
        }
    }

    /// - Returns: why it ended.
    private func mine(at place: Int, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws -> String {
        let connection = StratumConnection(pools[place], login, held: held, clocks: clocks)
        self.connection = connection
        defer { self.connection = nil }
        let began = clocks.now().boot
        do {
            return try await withThrowingTaskGroup(of: Void.self) { group -> String in
                group.addTask {
                    try await connection.run { event in
                        if case .membership(let membership) = event { await self.hold(membership) }
                        await tell(event)
                    }
                }
                if place > 0 { group.addTask { try await self.awaitBetter(than: place) } }
                defer { group.cancelAll() }
                try await group.next()
                return "a better pool than \(connection.name) answers again"
            }
        } catch let lost as PoolLost {
            penalise(place, lost, lasted: clocks.now().boot - began)
            return lost.description
        }
    }

    /// Of the pools that are named here there are few.
    private func hold(_ membership: PoolMembership) {
        held.removeAll { $0.isOf(membership.pool, membership.member) }
        held = [membership] + held.prefix(pools.count)
    }

    private func penalise(_ place: Int, _ lost: PoolLost, lasted: Nanoseconds) {
        if lasted > Self.goodWhile { standings[place].pause = Self.pauses.lowerBound }
        let pause = lost.isFinal ? Self.finalPause : standings[place].pause
        standings[place].pause = min(pause + pause, Self.pauses.upperBound)
        // A quarter more or less: stations that lost one pool do not come back all at once.
        var random = SystemRandomNumberGenerator()
        let jitter = Int64.random(in: -pause.count / 4...pause.count / 4, using: &random)
        standings[place].notBefore = clocks.now().boot + Nanoseconds(pause.count + jitter)
    }

    /// Returns when a better one answers.
    private func awaitBetter(than place: Int) async throws {
        while true {
            try await clocks.sleep(Self.returnInterval)
            for better in 0..<place where standings[better].notBefore <= clocks.now().boot {
                let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(5))
                guard let channel = try? await bootstrap.connect(host: pools[better].host, port: Int(pools[better].port)).get()
                else { continue }  // as before
                try? await channel.close()  // the other end may have been quicker
                standings[better].pause = Self.pauses.lowerBound
                return
            }
        }
    }
}
