/// What went wrong between us and the kernel.
public enum NetlinkError: Error, Hashable, CustomStringConvertible {
    /// A system call failed.
    case system(call: String, errno: Int32)
    /// The kernel refused a request: its error number, and its own words where it had any.
    case refused(request: String, errno: Int32, detail: String?)
    /// What was dumped changed meanwhile (NLM_F_DUMP_INTR): read again.
    case interrupted
    /// Messages were lost: the socket's buffer overran.
    case overrun
    /// Bytes that no kernel would send.
    case malformed(String)
    /// A request that does not fit its length fields.
    case tooLong(String)
    case timedOut(request: String)

    /// The system's error number, where there is one.
    public var errno: Int32? {
        switch self {
        case .system(_, let errno), .refused(_, let errno, _): errno
        default: nil
        }
    }

    public var description: String {
        switch self {
        case .system(let call, let errno): "\(call): \(describe(errno: errno))"
        case .refused(let request, let errno, let detail?): "\(request): \(describe(errno: errno)) (\(detail))"
        case .refused(let request, let errno, nil): "\(request): \(describe(errno: errno))"
        case .interrupted: "the table changed while it was read"
        case .overrun: "messages from the kernel were lost: the socket's buffer overran"
        case .malformed(let what): "the kernel's answer makes no sense: \(what)"
        case .tooLong(let what): "\(what) is too long for one netlink message"
        case .timedOut(let request): "\(request): the kernel did not answer"
        }
    }
}
