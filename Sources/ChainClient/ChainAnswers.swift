public import Consensus
import Ledger
public import Primitives

// What the API's methods give, as far as a wallet reads it (docs/openrpc.json has the rest).

/// `chain.status`
public struct ChainStatus: Decodable, Hashable, Sendable {
    public var chainId: Bytes32
    public var name: String
    public var height: UInt64
    public var finalizedAt: ChainTime
    public var syncing: Bool
}

/// A time as the API writes it: RFC 3339 in UTC with milliseconds.
public struct ChainTime: Codable, Hashable, Sendable, LosslessStringConvertible {
    public var milliseconds: BlockTime

    public init(milliseconds: BlockTime) { self.milliseconds = milliseconds }

    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count == 4, parts[1].hasSuffix("Z"), let rest = UInt64(parts[1].dropLast()),
            let whole = WallTime(parts[0] + "Z"), whole.secondsSince1970 >= 0
        else { return nil }
        milliseconds = UInt64(whole.secondsSince1970) * 1_000 + rest
    }

    /// For people: without the milliseconds.
    public var description: String { WallTime(secondsSince1970: Int64(clamping: milliseconds / 1_000)).description }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = ChainTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no time like 2027-01-15T08:00:03.000Z")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

struct ParametersAnswer: Decodable { var parameters: Parameters }

struct SequenceAnswer: Decodable {
    var sequence: UInt64
    var nextSequence: UInt64
}

struct SubmitAnswer: Decodable {
    var id: Bytes32
    var isNew: Bool
}

struct LightBlockAnswer: Decodable { var lightBlock: String }

struct ProofAnswer: Decodable, Sendable {
    var isPresent: Bool
    var entry: String?
    var proof: String
    var stateRoot: Bytes32
    var height: UInt64
    var headerHeight: UInt64
    var lightBlock: String?
}

/// `chain.transaction`, and the `receipt` event.
public struct TransactionAnswer: Codable, Hashable, Sendable {
    public var id: Bytes32
    /// `waiting`, `done` or `refused`.
    public var status: String
    public var height: UInt64?
    public var reason: String?
    public var sender: String
    public var sequence: UInt64
    public var feeQlc: QLC
    public var kind: String
    public var payload: Payload
    public var creates: Bytes32?

    /// The fields of payloads that a list of them shows.
    public struct Payload: Codable, Hashable, Sendable {
        public var to: String?
        /// As text: to unstake everything is written as the largest amount, more than there is.
        public var amountQlc: String?
        public var delegate: String?
        public var payee: String?
        public var depositQlc: QLC?
        public var channel: String?
    }
}

struct AssetsAnswer: Decodable {
    struct Asset: Decodable { var id: AssetID }
    var count: Int
    var assets: [Asset]
}

struct DelegatesAnswer: Decodable {
    struct Delegate: Decodable { var address: String }
    var count: Int
    var delegates: [Delegate]
}
