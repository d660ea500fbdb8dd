/// What goes wrong with Monero's node, for the one who must act.
public enum MoneroError: Error, Hashable, CustomStringConvertible {
    /// It cannot be reached, or not in time.
    case silent(String)
    /// What it says makes no sense.
    case template(String)
    /// It refused, with its own code and words.
    case refused(code: Int64, String)
    /// It has no job while it catches up with the chain.
    case busy
    /// It pays nobody under this address; in its words.
    case address(String)

    public var description: String {
        switch self {
        case .silent(let what): what
        case .template(let what): "monerod's block template makes no sense: \(what)"
        case .refused(let code, let words): "monerod refuses: \(words) (\(code))"
        case .busy: "monerod is catching up with the chain: jobs come when it has"
        case .address(let words):
            "monerod pays nobody there: \(words); it takes primary addresses alone: see login below [mining], wallet below [pool]"
        }
    }
}
