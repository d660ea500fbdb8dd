import Primitives

/// The X.509 certificate that carries a node's identity through TLS (RFC 5280, RFC 8410): a fixed form around one Ed25519 key.
///
/// Whoever has the key proves it in the handshake (RFC 8446, 4.4.3). The certificate adds nothing to that: no name, no
/// authority, and no dates, since boards boot in 1970. So it is made from the key alone and is the same on every start.
struct PeerCertificate: Hashable, Sendable {
    /// DER.
    let bytes: [UInt8]

    /// Longer ones are refused unread. Ours has 221 bytes; another program's may have a name and extensions.
    static let lengthLimit = 1024

    /// `AlgorithmIdentifier` of Ed25519 (RFC 8410, 3).
    private static let ed25519: [UInt8] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70]
    /// `SubjectPublicKeyInfo` up to the 32 bytes of the key (RFC 8410, 4).
    private static let keyHeader: [UInt8] = [0x30, 0x2a] + ed25519 + [0x03, 0x21, 0x00]
    /// What follows a certificate's signed part up to the 64 bytes of the signature.
    private static let signatureHeader: [UInt8] = ed25519 + [0x03, 0x41, 0x00]
    /// `OneAsymmetricKey` up to the 32 bytes of the seed (RFC 8410, 7).
    private static let privateKeyHeader: [UInt8] = [0x30, 0x2e, 0x02, 0x01, 0x00] + ed25519 + [0x04, 0x22, 0x04, 0x20]

    /// Self-signed by `key`.
    init(for key: PrivateKey) {
        let name = Self.sequence(
            Self.element(0x31, Self.sequence([0x06, 0x03, 0x55, 0x04, 0x03] + Self.element(0x0c, "qlink".utf8))))
        // RFC 5280, 4.1.2.5: dates before 2050 have two digits for the year; 99991231235959Z is "no end".
        let validity = Self.sequence(Self.element(0x17, "700101000000Z".utf8) + Self.element(0x18, "99991231235959Z".utf8))
        let version3: [UInt8] = [0xa0, 0x03, 0x02, 0x01, 0x02]
        let serial: [UInt8] = [0x02, 0x01, 0x01]
        let signed = Self.sequence(
            version3 + serial + Self.ed25519 + name + validity + name + Self.keyHeader + key.publicKey.raw.bytes)
        bytes = Self.sequence(signed + Self.signatureHeader + key.sign(signed).bytes)
    }

    /// The private key in PKCS #8, as TLS wants it.
    static func privateKey(_ key: PrivateKey) -> [UInt8] { privateKeyHeader + key.seed }

    /// Who presents the certificate in `der`, which TLS has parsed already; `spki` is its key as TLS found it. nil unless the key
    /// is Ed25519 and signed the certificate itself.
    static func identity(der: [UInt8], spki: [UInt8]) -> PublicKey? {
        guard der.count <= lengthLimit, spki.starts(with: keyHeader), let raw = Bytes32(spki.dropFirst(keyHeader.count)) else {
            return nil
        }
        // SEQUENCE { signed part, algorithm, BIT STRING }: the last two have one form, so the first is what is left.
        let header = der.count > 1 && der[1] == 0x82 ? 4 : 3
        let tail = signatureHeader.count + 64
        guard der.count > header + tail, der[der.count - tail..<der.count - 64].elementsEqual(signatureHeader),
            let signature = Signature(Array(der.suffix(64)))
        else { return nil }
        let key = PublicKey(raw: raw)
        return key.isValid(signature, for: Array(der[header..<der.count - tail])) ? key : nil
    }

    private static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }

    /// Tag, length in its shortest form (below 256 here), content.
    private static func element(_ tag: UInt8, _ content: some Collection<UInt8>) -> [UInt8] {
        precondition(content.count < 256)
        let length = UInt8(content.count)
        return (length < 128 ? [tag, length] : [tag, 0x81, length]) + content
    }
}
