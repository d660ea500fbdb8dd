/// What a netlink exchange can end in.
public enum NetlinkError: Error, Hashable, CustomStringConvertible {
    /// The kernel refused message `index` of what was sent (nil: all of it), with its errno and its own words.
    case refused(errno: Int32, index: Int?, words: String)
    case socket(errno: Int32)
    /// The answer does not follow the protocol.
    case malformed(String)
    /// The table changed while it was read; read it again.
    case interrupted
    /// Events were lost; read everything again.
    case overrun

    public var errno: Int32? {
        switch self {
        case .refused(let errno, _, _), .socket(let errno): errno
        default: nil
        }
    }

    public var description: String {
        switch self {
        case .refused(let errno, let index, let words):
            "the kernel refused \(index.map { "message \($0)" } ?? "the request"): \(Self.text(errno))\(words.isEmpty ? "" : " (\(words))")"
        case .socket(let errno): "the netlink socket failed: \(Self.text(errno))"
        case .malformed(let what): "the kernel's answer is malformed: \(what)"
        case .interrupted: "the table changed while it was read"
        case .overrun: "netlink events were lost"
        }
    }

    private static func text(_ errno: Int32) -> String { String(cString: strerror(errno)) }
}

import Glibc
