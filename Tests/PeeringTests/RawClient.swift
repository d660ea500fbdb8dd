import Crypto
import NIOCore
import NIOPosix
import NIOSSL
import Primitives

@testable import Peering

/// A client that keeps to no rule but those it is given.
struct RawClient: Sendable {
    typealias Stream = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    var port: UInt16
    /// Plain TCP without one.
    var tls: NIOSSLContext?
    /// Another address of this machine to come from.
    var from = "127.0.0.1"

    func connect<T: Sendable>(
        _ body: @Sendable (NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws -> T
    ) async throws -> T {
        let tls = tls
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: from, port: 0))
            .connect(host: "127.0.0.1", port: Int(port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: nil) { _, answer in
                                answer.succeed(.certificateVerified)
                            })
                    }
                    return try Stream(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose(body)
    }

    /// Sends `bytes`, and gives what came until the other side closed.
    func exchange(_ bytes: [UInt8]) async -> [UInt8] {
        let answer = try? await connect { inbound, outbound in  // a reset is a refusal too
            var answer: [UInt8] = []
            do {
                try await outbound.write(ByteBuffer(bytes: bytes))
                for try await part in inbound { answer += part.readableBytesView }
            } catch {}
            return answer
        }
        return answer ?? []
    }
}

/// A hello as a node of the test chain says it.
func helloFrame(_ change: (inout Hello) -> Void = { _ in }) -> [UInt8] {
    var hello = Hello(chainID: Node.chain, listeningPort: 0, software: "raw", networkTime: 0)
    change(&hello)
    return frame(FrameType.hello, hello.canonicalBytes)
}

func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var buffer = ByteBuffer()
    let frame = Frame(type: type, payload: ByteBuffer(bytes: payload))
    frame.writeHeader(to: &buffer)
    return Array(buffer.readableBytesView) + payload
}

/// Whole frames in `bytes`.
func frames(in bytes: [UInt8]) -> [Frame] {
    var decoder = FrameDecoder(limits: Node.frames)
    decoder.append(ByteBuffer(bytes: bytes))
    var frames: [Frame] = []
    while let frame = try? decoder.next() { frames.append(frame) }
    return frames
}

/// A certificate of any making.
struct Forgery {
    var subject = key(99)
    /// Who signs it; the subject itself when nil.
    var signer: PrivateKey?
    var notAfter = "99991231235959Z"
    /// Bytes of text in the name.
    var nameLength = 5
    var isP256 = false

    func certificate() throws -> (der: [UInt8], key: NIOSSLPrivateKey) {
        let p256 = P256.Signing.PrivateKey()
        let ed25519: [UInt8] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70]
        let ecdsa: [UInt8] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]
        let spki =
            isP256
            ? Array(p256.publicKey.derRepresentation)
            : [0x30, 0x2a] + ed25519 + [0x03, 0x21, 0x00] + subject.publicKey.raw.bytes
        let text = [UInt8](repeating: UInt8(ascii: "q"), count: nameLength)
        let name = der(0x30, der(0x31, der(0x30, [0x06, 0x03, 0x55, 0x04, 0x03] + der(0x0c, text))))
        let dates = der(0x30, der(0x18, Array("19690101000000Z".utf8)) + der(0x18, Array(notAfter.utf8)))
        let algorithm = isP256 ? ecdsa : ed25519
        let signed = der(0x30, [0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01] + algorithm + name + dates + name + spki)
        let signature =
            try isP256 ? Array(p256.signature(for: signed).derRepresentation) : (signer ?? subject).sign(signed).bytes
        let secret = isP256 ? Array(p256.derRepresentation) : PeerCertificate.privateKey(subject)
        return (der(0x30, signed + algorithm + der(0x03, [0] + signature)), try NIOSSLPrivateKey(bytes: secret, format: .der))
    }

    private func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        switch content.count {
        case ..<128: [tag, UInt8(content.count)] + content
        case ..<256: [tag, 0x81, UInt8(content.count)] + content
        default: [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)] + content
        }
    }
}

/// Signs with another key than the certificate's.
struct OthersKey: NIOSSLCustomPrivateKey, Hashable {
    let seed: UInt8
    var signatureAlgorithms: [SignatureAlgorithm] { [.ed25519] }
    var derBytes: [UInt8] { [] }

    func sign(channel: any Channel, algorithm: SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeSucceededFuture(ByteBuffer(bytes: key(seed).sign(Array(data.readableBytesView)).bytes))
    }

    func decrypt(channel: any Channel, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
}

/// TLS of a client that `change` may spoil.
func clientTLS(_ forgery: Forgery = Forgery(), change: (inout TLSConfiguration) -> Void = { _ in }) throws -> NIOSSLContext {
    let (der, secret) = try forgery.certificate()
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateChain = [.certificate(try NIOSSLCertificate(bytes: der, format: .der))]
    configuration.privateKey = .privateKey(secret)
    configuration.certificateVerification = .noHostnameVerification
    configuration.trustRoots = .certificates([])
    configuration.applicationProtocols = ["qlink/1"]
    configuration.verifySignatureAlgorithms = [.ed25519]
    if !forgery.isP256 { configuration.signingSignatureAlgorithms = [.ed25519] }
    change(&configuration)
    return try NIOSSLContext(configuration: configuration)
}
