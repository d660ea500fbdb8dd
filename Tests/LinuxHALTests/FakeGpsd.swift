import Foundation
import Primitives
import Synchronization

/// A server on loopback that does to each connection what it is told, one after the other, until it goes.
final class FakeGpsd: Sendable {
    struct Connection {
        fileprivate let descriptor: Int32

        @discardableResult
        func say(_ text: some StringProtocol) -> Bool {
            let bytes = Array(text.utf8)
            return send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        }

        func hear() -> String {
            var bytes = [UInt8](repeating: 0, count: 1_024)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
        }

        /// Until the other side closes.
        func waitForEnd() { while !hear().isEmpty {} }
    }

    let endpoint: Endpoint
    private let listener: Int32
    private let counts = Counts()

    private final class Counts: Sendable {
        let accepted = Atomic(0)
        let open = Atomic(0)
    }

    var accepted: Int { counts.accepted.load(ordering: .relaxed) }
    var open: Int { counts.open.load(ordering: .relaxed) }

    init(_ host: String, _ serve: @escaping @Sendable (Connection) -> Void) throws {
        let address = IPAddress(host)!
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let listener = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(family)
        // The loopback address; the kernel chooses the port.
        withUnsafeMutableBytes(of: &storage) { $0[(address.isIPv6 ? 8 : 4)...].copyBytes(from: address.bytes) }
        var size = socklen_t(address.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        let port = try withUnsafeMutablePointer(to: &storage) { pointer -> UInt16 in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(listener, pointer, size) == 0, listen(listener, 16) == 0, getsockname(listener, pointer, &size) == 0
                else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
                // Both families have the port at the same place.
                return UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
            }
        }
        endpoint = Endpoint(address: address, port: port)
        // Closed by its thread alone: closed by another, its number could be the next server's while this one accepts.
        Thread.detachNewThread { [listener, counts] in
            defer { close(listener) }
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                counts.accepted.add(1, ordering: .relaxed)
                counts.open.add(1, ordering: .relaxed)
                serve(Connection(descriptor: descriptor))
                close(descriptor)
                counts.open.subtract(1, ordering: .relaxed)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}
