import BoundedJSON
/// What can be called, and with which params. docs/openrpc.json describes the same, and a test compares them.
public enum ChainMethod: String, CaseIterable, Sendable {
    case status = "chain.status"
    case genesis = "chain.genesis"
    case parameters = "chain.parameters"
    case peers = "chain.peers"
    case block = "chain.block"
    case lightBlock = "chain.light_block"
    case validators = "chain.validators"
    case transaction = "chain.transaction"
    case submit = "chain.submit"
    case account = "chain.account"
    case nextSequence = "chain.next_sequence"
    case fee = "chain.fee"
    case channel = "chain.channel"
    case asset = "chain.asset"
    case assetsNear = "chain.assets_near"
    case delegates = "chain.delegates"
    case delegate = "chain.delegate"
    case delegation = "chain.delegation"
    case tariff = "chain.tariff"
    case content = "chain.content"
    case usage = "chain.usage"
    case visits = "chain.visits"
    case proof = "chain.proof"

    public var params: [String] {
        switch self {
        case .status, .genesis, .parameters, .peers: []
        case .block, .lightBlock, .validators: ["height"]
        case .submit: ["transaction"]
        case .account, .nextSequence, .delegate: ["address"]
        case .fee: ["kind", "bytes"]
        case .transaction, .channel, .asset, .tariff, .content, .usage: ["id"]
        case .assetsNear: ["geohash", "radius_m", "limit"]
        case .delegates: ["limit"]
        case .delegation: ["staker", "delegate"]
        case .visits: ["height", "index", "limit"]
        case .proof: ["kind", "id"]
        }
    }
}
