import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Why a connection failed, in few words: the library's own say more of the library.
enum NetworkWords {
    static func of(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { of(first.error) } else { "its name is not known here" }
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout(let time): "no answer in \(time.nanoseconds / 1_000_000_000) s"
        case is NIOSSLError, is BoringSSLError: "TLS: \(error); is the certificate the pool's, and its port one for TLS?"
        default: "\(error)"
        }
    }
}
