import Glibc

/// A TCP port that nobody has now: between here and its use nobody else takes it, most likely.
public func freePort() throws -> Int {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let result = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) + getsockname(descriptor, $0, &length)
        }
    }
    guard result == 0 else { throw LabError.system("finding a free port", errno: errno) }
    return Int(in_port_t(bigEndian: address.sin6_port))
}
