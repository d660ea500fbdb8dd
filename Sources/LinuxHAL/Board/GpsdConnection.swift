import Glibc
import HAL
import Primitives

/// A TCP connection whose every wait is bounded, and ends at once when `wake` is.
struct GpsdConnection: ~Copyable {
    enum Received {
        case bytes([UInt8])
        /// Nothing came in the time.
        case silence
        /// Somebody wants this thread to end.
        case woken
    }

    private let socket: Int32
    private let wake: Int32
    private let endpoint: Endpoint

    init(to endpoint: Endpoint, wake: Int32, timeout: Nanoseconds) throws(HALError) {
        let family = endpoint.address.isIPv6 ? AF_INET6 : AF_INET
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(family, kind, 0)
        guard socket >= 0 else { throw Self.failure(errno, endpoint) }
        do throws(HALError) {
            let result = endpoint.withSocketAddress { connect(socket, $0, $1) }
            if result != 0 {
                guard errno == EINPROGRESS else { throw Self.failure(errno, endpoint) }
                guard try Self.wait(for: socket, POLLOUT, orFor: wake, timeout, endpoint) == .ready else {
                    throw Self.failure(ETIMEDOUT, endpoint)
                }
                var (error, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
                getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size)
                guard error == 0 else { throw Self.failure(error, endpoint) }
            }
        } catch {
            close(socket)
            throw error
        }
        (self.socket, self.wake, self.endpoint) = (socket, wake, endpoint)
    }

    deinit { close(socket) }

    /// A line or two: what a fresh connection takes at once, or it is none.
    func send(_ text: String) throws(HALError) {
        guard Glibc.send(socket, text, text.utf8.count, Int32(MSG_NOSIGNAL)) == text.utf8.count else {
            throw Self.failure(errno, endpoint)
        }
    }

    func receive(timeout: Nanoseconds) throws(HALError) -> Received {
        switch try Self.wait(for: socket, POLLIN, orFor: wake, timeout, endpoint) {
        case .woken: return .woken
        case .silence: return .silence
        case .ready: break
        }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(socket, &bytes, bytes.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return .silence }
        guard count >= 0 else { throw Self.failure(errno, endpoint) }
        guard count > 0 else { throw Self.failure(ECONNRESET, endpoint) }
        return .bytes(Array(bytes[..<count]))
    }

    private enum Wait { case ready, silence, woken }

    private static func wait(
        for socket: Int32, _ events: Int32, orFor wake: Int32, _ timeout: Nanoseconds, _ endpoint: Endpoint
    ) throws(HALError) -> Wait {
        var ends = [
            pollfd(fd: socket, events: Int16(events), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        let count = poll(&ends, 2, Int32(clamping: timeout.count / 1_000_000))
        if count < 0, errno != EINTR { throw failure(errno, endpoint) }
        if ends[1].revents != 0 { return .woken }
        return count > 0 ? .ready : .silence
    }

    static func failure(_ error: Int32, _ endpoint: Endpoint) -> HALError {
        switch error {
        case ECONNREFUSED, ENETUNREACH, EHOSTUNREACH:
            HALError(.missing, "gpsd does not answer at \(endpoint)", mend: "start it: systemctl start gpsd")
        case ECONNRESET, EPIPE:
            HALError(.missing, "gpsd closed the connection at \(endpoint)", mend: "see journalctl -u gpsd")
        case ETIMEDOUT: HALError(.busy, "gpsd gave no answer in time at \(endpoint)", mend: "see journalctl -u gpsd")
        default: HALError(.broken, "gpsd at \(endpoint): \(String(cString: strerror(error)))", mend: "")
        }
    }
}

extension Endpoint {
    fileprivate func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let size = withUnsafeMutableBytes(of: &storage) { room -> Int in
            let (bytes, network) = (address.bytes, port.bigEndian)
            if address.isIPv6 {
                var value = sockaddr_in6()
                (value.sin6_family, value.sin6_port) = (sa_family_t(AF_INET6), network)
                withUnsafeMutableBytes(of: &value.sin6_addr) { $0.copyBytes(from: bytes) }
                withUnsafeBytes(of: value) { room.copyMemory(from: $0) }
                return MemoryLayout<sockaddr_in6>.size
            }
            var value = sockaddr_in()
            (value.sin_family, value.sin_port) = (sa_family_t(AF_INET), network)
            withUnsafeMutableBytes(of: &value.sin_addr) { $0.copyBytes(from: bytes) }
            withUnsafeBytes(of: value) { room.copyMemory(from: $0) }
            return MemoryLayout<sockaddr_in>.size
        }
        return withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
        }
    }
}
