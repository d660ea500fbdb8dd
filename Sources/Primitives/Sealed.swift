import Crypto

/// Bytes that only one recipient can read: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
///
/// The sender is not authenticated: put a signature inside, or seal within something signed. About 0.2 ms for both ways.
public struct Sealed: Hashable, Sendable {
    /// The most that is sealed, in bytes: a record, not a file.
    public static let limit = 64 * 1024
    /// Ciphertext has a multiple of this length, so that lengths tell little.
    public static let step = 256

    /// The sender's one-time public key (`enc`).
    private var encapsulatedKey: Bytes32
    private var ciphertext: [UInt8]

    /// Seals `bytes` for the owner of `key`.
    /// - Parameters:
    ///   - info: what this is for, as "qlink/visit-record": opening needs the same.
    ///   - bound: what stands beside it in clear and must not be exchanged (`aad`); opening needs the same.
    /// - Throws: `tooLong`, or `badKey` if `key` is a point that gives everyone the same secret.
    public init(_ bytes: [UInt8], to key: SealingKey, info: [UInt8], bound: [UInt8] = []) throws(SealedError) {
        guard bytes.count <= Self.limit else { throw .tooLong(bytes.count) }
        guard key.isSomebodys else { throw .badKey }
        do {
            let recipient = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: key.raw.bytes)
            var sender = try HPKE.Sender(recipientKey: recipient, ciphersuite: .sealed, info: Self.collected(info))
            ciphertext = Array(try sender.seal(Self.padded(bytes), authenticating: bound))
            encapsulatedKey = Bytes32(Array(sender.encapsulatedKey))!
        } catch {
            throw .badKey
        }
    }

    /// What was sealed.
    /// - Throws: `notForThisKey` if it was sealed for another key, for something else, or was altered: these cannot be told apart.
    public func opened(by key: OpeningKey, info: [UInt8], bound: [UInt8] = []) throws(SealedError) -> [UInt8] {
        let padded = try Self.open(ciphertext, encapsulatedKey: encapsulatedKey, by: key, info: info, bound: bound)
        guard let end = padded.lastIndex(where: { $0 != 0 }), padded[end] == Self.endMark else { throw .notForThisKey }
        return Array(padded[..<end])
    }

    /// The first message of RFC 9180 without the padding.
    package static func open(
        _ ciphertext: [UInt8], encapsulatedKey: Bytes32, by key: OpeningKey, info: [UInt8], bound: [UInt8]
    ) throws(SealedError) -> [UInt8] {
        guard SealingKey(raw: encapsulatedKey).isSomebodys else { throw .notForThisKey }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key.key, ciphersuite: .sealed, info: collected(info),
                encapsulatedKey: collected(encapsulatedKey.bytes))
            return Array(try recipient.open(ciphertext, authenticating: bound))
        } catch {
            throw .notForThisKey
        }
    }

    private static let endMark: UInt8 = 0x80
    private static let tagLength = 16

    /// A mark, then zeros (ISO/IEC 7816-4).
    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        let length = (bytes.count + 1 + tagLength + step - 1) / step * step - tagLength
        return bytes + [endMark] + [UInt8](repeating: 0, count: length - bytes.count - 1)
    }

    /// The library's own byte string, whose name would have to be imported from Foundation.
    private static func collected<Bytes: RangeReplaceableCollection<UInt8>>(_ bytes: [UInt8]) -> Bytes { Bytes(bytes) }
}

extension Sealed: Canonical {
    public init() { (encapsulatedKey, ciphertext) = (.zero, []) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.fixed(&encapsulatedKey)
        try coder.bytes(&ciphertext, limit: Self.limit + Self.step)
        guard ciphertext.count.isMultiple(of: Self.step) else {
            throw .invalid("sealed bytes come in steps of \(Self.step), not \(ciphertext.count)")
        }
    }
}

extension HPKE.Ciphersuite {
    fileprivate static let sealed = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .chaChaPoly)
}

/// The X25519 public key (RFC 7748) that others seal for. Nobody can compute it from an identity's Ed25519 key: its owner announces it,
/// under a signature by the identity.
public struct SealingKey: Hashable, Sendable, Canonical {
    public var raw: Bytes32

    public init(raw: Bytes32) { self.raw = raw }
    public init() { raw = .zero }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.fixed(&raw) }

    /// False for the points of small order: with these everyone has the same secret, zero. RFC 9180, section 7.1.4, has it refused; the
    /// library does not.
    public var isSomebodys: Bool {
        var u = raw.words
        u.3 &= ~0x80  // the top bit means nothing (RFC 7748, section 5)
        return !Self.smallOrder.contains(Bytes32(words: u))
    }

    /// The u of the points whose order divides 8, on the curve and its twist: 0, 1, two of order 8, p − 1, and again p and p + 1
    /// (https://cr.yp.to/ecdh.html, "validate").
    private static let smallOrder: Set<Bytes32> = Set(
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ].map { Bytes32($0)! })
}

extension SealingKey: LosslessStringConvertible, Codable {
    public var description: String { raw.description }
    public init?(_ description: String) {
        guard let raw = Bytes32(description) else { return nil }
        self.raw = raw
    }
    public init(from decoder: any Decoder) throws {
        self = try decodeText(from: decoder, as: "a sealing key of 64 hexadecimal digits")
    }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
}

/// The X25519 private key that opens what was sealed. It has no description: a secret never reaches a log.
///
/// It is a tagged hash of the identity's seed, not the same scalar on the other curve: who reads with it (a phone that shows the
/// history) cannot sign with it, and no proof is needed that signing and opening with one scalar leave each other unharmed.
public struct OpeningKey: Sendable {
    fileprivate let key: Curve25519.KeyAgreement.PrivateKey

    public init(of identity: PrivateKey) {
        guard let seed = Bytes32(identity.seed), let key = OpeningKey(raw: Self.tag.digest(of: seed)) else {
            preconditionFailure("every 32 bytes are an X25519 key")
        }
        self = key
    }

    package init?(raw: Bytes32) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: raw.bytes) else { return nil }
        self.key = key
    }

    private static let tag = TaggedHash.Tag("qlink/opening-key")

    public var sealingKey: SealingKey { SealingKey(raw: Bytes32(Array(key.publicKey.rawRepresentation)) ?? .zero) }
}

public enum SealedError: Error, Equatable {
    case tooLong(Int)
    case badKey
    case notForThisKey
}

extension SealedError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLong(let count): "\(count) bytes are too many to seal; the limit is \(Sealed.limit)"
        case .badKey: "nothing can be sealed for this key: it is not one that somebody made; ask its owner for it again"
        case .notForThisKey: "this was sealed for another key or another purpose, or it was altered"
        }
    }
}
