public import HAL
import Monero
import Primitives
public import ProofOfWork

/// Mining alone: jobs from one's own `monerod`, and what is found is handed to it.
public actor SoloSource: JobSource {
    /// Of jobs that were given: a block may be found for one of those before.
    private static let jobsKept = 16
    /// Found and not handed in yet; more than that only where every hash finds a block.
    private static let waitingMax = 64

    public nonisolated let name: String
    private let node: MoneroNode
    private let templates: MoneroTemplates
    private let prefix: [UInt8]
    private let shares = AsyncStream.makeStream(of: Share.self, bufferingPolicy: .bufferingNewest(waitingMax))
    private var given: [(id: String, template: BlockTemplate, extraNonce: [UInt8])] = []
    /// The block that the last one found follows: another beside it earns nothing.
    private var solved: Bytes32?
    private var count: UInt64 = 0
    private var isConnected = false

    /// - Parameter wallet: a primary address of Monero: templates take no other
    public init(_ node: MoneroNode, wallet: String, clocks: any Clocks) {
        self.node = node
        name = "monerod at \(node.address)"
        templates = MoneroTemplates(of: node, for: wallet, clocks: clocks)
        var random = SystemRandomNumberGenerator()
        let number = UInt64.random(in: .min ... .max, using: &random)
        prefix = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    public func run(_ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { for await share in self.shares.stream { await self.handIn(share, tell) } }
            await templates.run { event in
                switch event {
                case .template(let template): await self.give(template, tell)
                case .trouble(let why): await self.lose(why, tell)
                }
            }
            group.cancelAll()
        }
    }

    /// Never waits: who mines must be free to stop.
    public func submit(_ share: Share) { shares.continuation.yield(share) }

    private func give(_ template: BlockTemplate, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async {
        // A monerod that lost power, or a chain that went back: what was found then is no more.
        if template.previous == solved { solved = nil }
        count += 1
        let extraNonce = prefix + (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) }
        guard let job = template.job("\(count)", extraNonce: extraNonce, target: template.target) else {
            return await lose("monerod's block template has no place for a nonce", tell)
        }
        given.append((job.id, template, extraNonce))
        if given.count > Self.jobsKept { given.removeFirst() }
        if !isConnected { await tell(.connected(name)) }
        isConnected = true
        await tell(.job(job))
    }

    private func lose(_ why: String, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async {
        isConnected = false
        await tell(.lost(why))
    }

    private func handIn(_ share: Share, _ tell: @escaping @Sendable (JobSourceEvent) async -> Void) async {
        let refuse = { (refusal: ShareRefusal, why: String) async in
            await tell(.refused(jobID: share.jobID, nonce: share.nonce, refusal, why: why))
        }
        guard let found = given.last(where: { $0.id == share.jobID }), let newest = given.last else {
            return await refuse(.stale, "its job is of long ago")
        }
        guard found.template.isFound(share.hash) else { return await refuse(.lowDifficulty, "it finds no block") }
        guard found.template.previous == newest.template.previous, found.template.previous != solved else {
            return await refuse(.stale, "the chain has another block of height \(found.template.height)")
        }
        do throws(MoneroError) {
            try await node.submit(found.template.block(extraNonce: found.extraNonce, nonce: share.nonce))
            // It takes what comes beside another block as well, and says so only when asked for it.
            let id = found.template.id(extraNonce: found.extraNonce, nonce: share.nonce)
            if let header = try await node.header(of: id), !header.isOrphan {
                solved = found.template.previous
                await tell(.accepted(jobID: share.jobID, nonce: share.nonce, blockFound: true))
            } else {
                await refuse(.stale, "the chain has another block of height \(found.template.height)")
            }
        } catch {
            let refusal: ShareRefusal = if case .refused = error { .stale } else { .other }
            await refuse(refusal, "\(error)")
        }
        templates.hurry()
    }
}
