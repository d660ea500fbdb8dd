public import HAL
public import Monero
import Primitives

/// Fresh blocks to find, for as long as it runs: one for each new block of the chain, and every half minute one with the newest transactions.
public struct MoneroTemplates: Sendable {
    public enum Event: Hashable, Sendable {
        case template(BlockTemplate)
        /// There is none now; why, in words. It is asked on.
        case trouble(String)
    }

    private static let pollInterval = Nanoseconds.seconds(1)
    private static let refreshAfter = Nanoseconds.seconds(30)
    private static let pauses = Nanoseconds.seconds(1) ... .seconds(30)

    private let node: MoneroNode
    private let wallet: String
    private let clocks: any Clocks
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    public init(of node: MoneroNode, for wallet: String, clocks: any Clocks) {
        (self.node, self.wallet, self.clocks) = (node, wallet, clocks)
    }

    /// The chain has probably moved: look at once. Can be called once a poll; more are the same.
    public func hurry() { wakes.continuation.yield() }

    /// Until it is cancelled. One task runs it.
    public func run(_ tell: @escaping @Sendable (Event) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [wakes, clocks] in
                while !Task.isCancelled {
                    wakes.continuation.yield()
                    do { try await clocks.sleep(Self.pollInterval) } catch { return }  // cancelled
                }
            }
            await follow(tell)
            group.cancelAll()
        }
    }

    private func follow(_ tell: @escaping @Sendable (Event) async -> Void) async {
        var (last, at): (BlockTemplate?, Instant) = (nil, clocks.now().boot)
        var (pause, notBefore) = (Self.pauses.lowerBound, clocks.now().boot)
        for await _ in wakes.stream {
            guard clocks.now().boot >= notBefore else { continue }
            do throws(MoneroError) {
                let top = try await node.lastHeader().hash
                pause = Self.pauses.lowerBound
                if let last, last.previous == top, clocks.now().boot - at < Self.refreshAfter { continue }
                let template = try await node.template(for: wallet)
                (last, at) = (template, clocks.now().boot)
                await tell(.template(template))
            } catch {
                guard !Task.isCancelled else { return }
                last = nil
                notBefore = clocks.now().boot + pause
                pause = min(pause + pause, Self.pauses.upperBound)
                await tell(.trouble("\(error)"))
            }
        }
    }
}
