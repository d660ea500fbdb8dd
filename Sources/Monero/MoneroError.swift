/// What goes wrong with Monero's node, for the one who must act.
public enum MoneroError: Error, Hashable, CustomStringConvertible {
    /// It cannot be reached, or not in time.
    case silent(String)
    /// What it says makes no sense.
    case template(String)
    /// It refused, with its own code and words.
    case refused(code: Int64, String)
    case notSynchronised(height: UInt64, target: UInt64)
    case address(String)

    public var description: String {
        switch self {
        case .silent(let what): what
        case .template(let what): "monerod's block template makes no sense: \(what)"
        case .refused(let code, let words): "monerod refuses: \(words) (\(code))"
        case .notSynchronised(let height, let target):
            "monerod is at height \(height) of \(target): jobs come when it has caught up"
        case .address(let what): what
        }
    }
}
