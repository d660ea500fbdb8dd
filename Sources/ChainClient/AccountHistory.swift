import StationAPI
public import Primitives

/// What the node remembers of an account: the receipts of its newest blocks.
public struct AccountHistory: Sendable {
    /// Oldest first.
    public internal(set) var transactions: [TransactionAnswer] = []
    /// The last height whose receipts the node keeps no more; 0 if it keeps all.
    public internal(set) var forgottenUpTo: UInt64 = 0

    public init() {}
}

extension ChainClient {
    /// Reads the node's events up to the block that is newest now. Nothing in them is proved.
    public func history(of account: PublicKey) async throws(ChainClientError) -> AccountHistory {
        let head = try await status().height
        guard head > 0 else { return AccountHistory() }
        var reader = EventReader(until: head, sender: node)
        let address = Address(account, on: network).description
        try await connection.follow("account=\(address)", after: 0) { bytes in try reader.take(bytes) }
        guard reader.isComplete else { throw .unreachable("\(node) broke off its events", isNotPermitted: false) }
        return reader.history
    }
}

/// Server-sent events (WHATWG HTML, section 9.2), as far as this API sends them: one `data` line an event.
struct EventReader {
    /// Of one event, and of all of them together.
    private static let lineLimit = 256 << 10
    private static let bytesLimit = 16 << 20

    private let head: UInt64
    private let node: String
    private var line: [UInt8] = []
    private var bytes = 0
    private var name = ""
    private var data: [UInt8] = []
    private(set) var isComplete = false
    private(set) var history = AccountHistory()

    init(until head: UInt64, sender node: String) { (self.head, self.node) = (head, node) }

    /// - Returns: whether there is more to come.
    mutating func take(_ part: some Sequence<UInt8>) throws(ChainClientError) -> Bool {
        for byte in part {
            bytes += 1
            guard bytes <= Self.bytesLimit, line.count <= Self.lineLimit else {
                throw .notAnAnswer(node: node, why: "its events do not end")
            }
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            try endOfLine()
            if isComplete { return false }
        }
        return true
    }

    private mutating func endOfLine() throws(ChainClientError) {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return try endOfEvent() }
        let text = String(decoding: line.prefix(16), as: UTF8.self)
        if text.hasPrefix("event: ") { name = String(decoding: line.dropFirst(7), as: UTF8.self) }
        if text.hasPrefix("data: ") { data = Array(line.dropFirst(6)) }
    }

    private struct Place: Decodable {
        var height: UInt64?
        var toHeight: UInt64?
    }

    private mutating func endOfEvent() throws(ChainClientError) {
        defer { (name, data) = ("", []) }
        do {
            switch name {
            case "receipt": history.transactions.append(try JSON.decode(TransactionAnswer.self, from: data))
            case "block": isComplete = try JSON.decode(Place.self, from: data).height ?? 0 >= head
            case "gap":
                history.forgottenUpTo = try JSON.decode(Place.self, from: data).toHeight ?? 0
                isComplete = history.forgottenUpTo >= head
            default: break
            }
        } catch { throw .notAnAnswer(node: node, why: "it sent an event that cannot be read") }
    }
}
