import NIOCore
import NIOSSL
public import Primitives
import Synchronization

/// Who another node is: its Ed25519 key.
public typealias PeerID = PublicKey

/// A node's key, ready for TLS 1.3 in both directions.
///
/// Nothing is trusted but keys: no roots of the system, no names, no dates, no earlier session.
public struct PeerIdentity: Sendable {
    public let id: PeerID
    private let context: NIOSSLContext

    /// Agreed in the handshake (RFC 7301), so that nothing else that speaks TLS is taken for a peer.
    static let applicationProtocol = "qlink/1"

    /// Throws when the TLS library refuses the key, which is a fault of the installation.
    public init(_ key: PrivateKey) throws(PeeringError) {
        id = key.publicKey
        do {
            let certificate = try NIOSSLCertificate(bytes: PeerCertificate(for: key).bytes, format: .der)
            let secret = try NIOSSLPrivateKey(bytes: PeerCertificate.privateKey(key), format: .der)
            // Made as a server's: it is the same context for both directions, and asks for the peer's certificate.
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(certificate)], privateKey: .privateKey(secret))
            configuration.minimumTLSVersion = .tlsv13
            configuration.maximumTLSVersion = .tlsv13
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([])
            configuration.verifySignatureAlgorithms = [.ed25519]
            configuration.signingSignatureAlgorithms = [.ed25519]
            configuration.applicationProtocols = [Self.applicationProtocol]
            configuration.shutdownTimeout = .seconds(1)
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .identity("\(error)")
        }
    }

    /// The TLS end of one link. `proven` holds the peer's key once the handshake is over.
    func makeHandler(isInbound: Bool, proven: ProvenKey) throws -> NIOSSLHandler {
        let verify: NIOSSLCustomVerificationCallback = { chain, answer in
            guard chain.count == 1, let der = try? chain[0].toDERBytes(),
                let spki = try? chain[0].extractPublicKey().toSPKIBytes(),
                let key = PeerCertificate.identity(der: der, spki: spki)
            else { return answer.succeed(.failed) }
            proven.set(key)
            answer.succeed(.certificateVerified)
        }
        return isInbound
            ? NIOSSLServerHandler(context: context, customVerificationCallback: verify)
            : try NIOSSLClientHandler(context: context, serverHostname: nil, customVerificationCallback: verify)
    }
}

/// The key of the certificate that was verified in this very handshake: a resumed session has none, and is refused for it.
final class ProvenKey: Sendable {
    private let value = Mutex<PublicKey?>(nil)

    var key: PublicKey? { value.withLock { $0 } }
    func set(_ key: PublicKey) { value.withLock { $0 = key } }
}

public enum PeeringError: Error, Hashable, Sendable, CustomStringConvertible {
    case identity(String)
    case listen(Endpoint, String)
    case book(path: String, String)

    public var description: String {
        switch self {
        case .identity(let detail): "the station's key cannot be used for TLS: \(detail); reinstall the package"
        case .listen(let endpoint, let detail):
            "peers cannot be accepted at \(endpoint): \(detail); choose another address or port, or none"
        case .book(let path, let detail):
            "the peer book \(path) cannot be \(detail); its directory must exist and belong to the daemon's user"
        }
    }
}
