/// The methods of the chain's API that a wallet calls; a test compares them with those that there are.
public enum ChainCall: String, CaseIterable, Sendable {
    case status = "chain.status"
    case parameters = "chain.parameters"
    case lightBlock = "chain.light_block"
    case proof = "chain.proof"
    case nextSequence = "chain.next_sequence"
    case submit = "chain.submit"
    case transaction = "chain.transaction"
    case visits = "chain.visits"
    case assetsNear = "chain.assets_near"
    case delegates = "chain.delegates"
}

/// What is given to a call, by name.
public enum ChainParam: Encodable, Hashable, Sendable {
    case text(String)
    case count(UInt64)

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .count(let value): try container.encode(value)
        }
    }
}

struct ChainRequest: Encodable {
    let jsonrpc = "2.0"
    let id: Int
    let method: String
    let params: [String: ChainParam]

    private enum CodingKeys: CodingKey { case jsonrpc, id, method, params }
}

struct ChainReply<Result: Decodable>: Decodable {
    struct Failure: Decodable {
        struct Mend: Decodable { var mend: String? }
        var code: Int
        var message: String
        var data: Mend?
    }

    var jsonrpc: String
    /// Null when the request could not be read.
    var id: Int?
    var result: Result?
    var error: Failure?
}
