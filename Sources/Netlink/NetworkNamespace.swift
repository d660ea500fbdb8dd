import CNetlink

/// A network namespace by its path, such as `/run/netns/lab`. A socket belongs for ever to the one it was made in.
public struct NetworkNamespace: Hashable, Sendable {
    public var path: String

    public init(path: String) { self.path = path }
    public init(name: String) { path = "/run/netns/\(name)" }

    /// Runs `body` in a thread that has entered the namespace, and waits for it.
    public func run<Result>(_ body: () -> Result) throws(NetlinkError) -> Result {
        var result: Result?
        let error = withoutActuallyEscaping({ result = body() }) { (visit: @escaping () -> Void) -> Int32 in
            let box = Unmanaged.passRetained(Visit(body: visit))
            defer { box.release() }
            return cnetlink_in_namespace(
                path, { Unmanaged<Visit>.fromOpaque($0!).takeUnretainedValue().body() }, box.toOpaque())
        }
        guard error == 0 else { throw .system(call: "enter network namespace \(path)", errno: -error) }
        guard let result else { throw .system(call: "enter network namespace \(path)", errno: 0) }
        return result
    }

    private final class Visit {
        let body: () -> Void
        init(body: @escaping () -> Void) { self.body = body }
    }
}

extension NetworkNamespace? {
    /// Runs `body` there, or here if there is no namespace to enter.
    public func run<Result>(_ body: () -> Result) throws(NetlinkError) -> Result {
        switch self {
        case nil: body()
        case let namespace?: try namespace.run(body)
        }
    }
}
