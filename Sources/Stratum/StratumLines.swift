/// Cuts a stream of bytes into lines; a carriage return before the end and empty lines are nothing.
public struct StratumLines: Sendable {
    /// Of what a miner says: a login with the longest names.
    public static let minerLimit = 8 << 10
    /// Of what a pool says: a job with the largest blob, and room.
    public static let poolLimit = 16 << 10

    /// A line is longer than the limit.
    public struct TooLong: Error, Hashable, Sendable {
        public let limit: Int
    }

    public let limit: Int
    private var held: [UInt8] = []
    /// Up to here there is no end of a line.
    private var looked = 0

    public init(limit: Int) { self.limit = limit }

    public mutating func append(_ bytes: some Sequence<UInt8>) { held += bytes }

    /// The next line without its end; nil until more bytes come.
    public mutating func next() throws(TooLong) -> [UInt8]? {
        while true {
            guard let end = held[looked...].firstIndex(of: UInt8(ascii: "\n")) else {
                looked = held.count
                guard held.count <= limit else { throw TooLong(limit: limit) }
                return nil
            }
            var line = held[..<end]
            guard line.count <= limit else { throw TooLong(limit: limit) }
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            let copy = Array(line)
            held.removeFirst(end + 1)
            looked = 0
            if !copy.isEmpty { return copy }
        }
    }
}
