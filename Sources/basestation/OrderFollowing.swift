import ArgumentParser
import KeyCustody
import Primitives
import StationAPI
import StationClient

/// How long somebody waits for the chain.
struct ChainPatience: ParsableArguments {
    @Option(help: "Wait so many seconds until it is final.") var timeout: UInt32 = 120
    @Flag(help: "Do not wait until it is final.") var noWait = false

    /// Asks again and again, until the answer will do or time is over. A daemon that restarts meanwhile is waited for.
    /// - Returns: the last answer.
    func wait<View: Sendable>(
        for what: String, isShown: Bool, from first: View, until isDone: (View) -> Bool, _ ask: () async throws -> View
    ) async throws -> View {
        var view = first
        let (begun, progress) = (ContinuousClock.now, Progress(isShown: isShown))
        defer { progress.end() }
        while !noWait, !isDone(view) {
            let seconds = (ContinuousClock.now - begun).components.seconds
            guard seconds < Int64(timeout) else { break }
            progress.wait(for: what, Int(seconds))
            try await Task.sleep(for: .milliseconds(300))
            do { view = try await ask() } catch let error as StationUnreachable {
                if error.isNotPermitted { throw error }
            }
        }
        return view
    }
}

extension Common {
    /// Waits until the chain has carried an order out, and tells what came of it.
    /// - Parameter again: the words that go on waiting for it.
    func follow(_ order: OrderView, _ patience: ChainPatience, _ title: String, again: String) async throws {
        let path = "/v1/wallet/orders/\(order.orderId)"
        // Who breaks the waiting off has its name.
        if order.isOpen, !patience.noWait { Terminal.say("ordered as\n\(order.orderId)\n") }
        let last = try await patience.wait(for: "the chain", isShown: !json, from: order, until: { !$0.isOpen }) {
            try await station.get(path, as: OrderView.self)
        }
        try show(last) { Self.lines($0, title, again) }
        guard last.state == "done" || last.isOpen && patience.noWait else { throw ExitCode(1) }
    }

    private static func lines(_ order: OrderView, _ title: String, _ again: String) -> [String] {
        var lines = [title]
        let fields: [(String, String?)] = [
            ("to", order.to), ("delegate", order.delegate), ("channel", order.channelId?.description),
            ("order", "\(order.orderId)"),
            ("transaction", order.transactionId?.description), ("fee", order.feeQlc.map { "\(Screen.amount($0)) QLC" }),
        ]
        for (label, value) in fields { if let value { lines += Screen.field(label, value) } }
        let (height, why) = (order.height ?? 0, order.reason ?? "")
        switch order.state {
        case "done": return lines + ["✓ final in block \(height)"]
        case "refused" where order.height != nil: return lines + Screen.wrap("✗ refused in block \(height): \(why)")
        case "refused", "expired": return lines + Screen.wrap("✗ not carried out: \(why)")
        case "unknown": return lines + Screen.wrap("✗ nobody can say: \(why)")
        default: return lines + Screen.wrap("… no block has it yet. It stays ordered; to go on waiting: \(again)")
        }
    }
}
