public import Primitives

/// Why something was not learned from a node, or not believed.
public enum ChainClientError: Error, Hashable, Sendable {
    case badAddress(String)
    /// Nobody answers, or not to the end.
    case unreachable(String, isNotPermitted: Bool)
    /// What answers is no node of a chain, or a broken one.
    case notAnAnswer(node: String, why: String)
    /// The node says no: the API's code, and what to do.
    case refused(Refused)
    case otherChain(node: String, expected: Bytes32, found: Bytes32)
    /// What it says contradicts its own proof, or what this wallet has seen proved. Only a liar or a broken node gives cause for it.
    case lie(node: String, why: String)
    /// Nothing is proved false, but it cannot be proved true either.
    case unproved(String)
    /// It would not do what was asked for.
    case unwise(String)

    public struct Refused: Hashable, Sendable {
        public var method: String
        /// As docs/openrpc.json lists them.
        public var code: Int
        public var words: String
    }

    // Codes of the API that a client acts upon.
    var isNotFound: Bool { if case .refused(let refused) = self { refused.code == 1 } else { false } }
    var isInadmissible: Bool { if case .refused(let refused) = self { refused.code == 3 } else { false } }
}

extension ChainClientError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badAddress(let words), .unreachable(let words, _), .unproved(let words), .unwise(let words): words
        case .notAnAnswer(let node, let why): "\(node) does not answer as a node of the chain: \(why); name another with --node"
        case .refused(let refused): "the node refuses \(refused.method): \(refused.words)"
        case .otherChain(let node, let expected, let found):
            "\(node) is of the chain \(found), the genesis file of \(expected): use another node, or the file of this chain"
        case .lie(let node, let why): "do not believe \(node): \(why); use another node"
        }
    }
}
