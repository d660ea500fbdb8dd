import BoundedJSON
/// Why a call has no result. The numbers are an interface: fixed once shipped, and listed in docs/openrpc.json.
public struct Fault: Error, Hashable, Sendable {
    public enum Kind: Int, Hashable, Sendable, CaseIterable {
        // JSON-RPC 2.0, section 5.1.
        case parseError = -32_700
        case invalidRequest = -32_600
        case methodNotFound = -32_601
        case invalidParams = -32_602
        case internalError = -32_603
        // Of this application.
        case notFound = 1
        case notKept = 2
        case inadmissible = 3
        case refused = 4
        case unavailable = 5
        case answerTooLarge = 6

        public var message: String {
            switch self {
            case .parseError: "Parse error"
            case .invalidRequest: "Invalid Request"
            case .methodNotFound: "Method not found"
            case .invalidParams: "Invalid params"
            case .internalError: "Internal error"
            case .notFound: "There is no such thing"
            case .notKept: "It is not kept here"
            case .inadmissible: "The transaction may not stand in a block"
            case .refused: "The transaction is not taken now"
            case .unavailable: "The node is ending"
            case .answerTooLarge: "The answer would be too large"
            }
        }
    }

    public var kind: Kind
    /// What is wrong, with what, and what to do.
    public var mend: String

    public init(_ kind: Kind, _ mend: String) { (self.kind, self.mend) = (kind, mend) }

    var json: JSONValue {
        .fields([
            "code": .count(kind.rawValue), "message": .text(kind.message), "data": .fields(["mend": .text(mend)]),
        ])
    }
}

extension Fault: CustomStringConvertible {
    public var description: String { "\(kind.message): \(mend)" }
}
