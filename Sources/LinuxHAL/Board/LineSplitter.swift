/// Lines out of a stream of bytes that may never end one: what is longer than the limit is dropped up to its end.
public struct LineSplitter: Sendable {
    private let limit: Int
    private var rest: [UInt8] = []
    private var isSkipping = false

    /// - Parameter limit: the longest line that is given, in bytes
    public init(limit: Int) { self.limit = limit }

    /// What is kept of a line that has not ended.
    public var pending: Int { rest.count }

    /// The lines that end in `bytes`, without their newline and without empty ones.
    public mutating func take(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            guard byte != UInt8(ascii: "\n") else {
                if !isSkipping, !rest.isEmpty { lines.append(rest) }
                rest.removeAll(keepingCapacity: true)
                isSkipping = false
                continue
            }
            guard !isSkipping else { continue }
            if rest.count == limit {
                isSkipping = true
                rest.removeAll()
            } else {
                rest.append(byte)
            }
        }
        return lines
    }
}
