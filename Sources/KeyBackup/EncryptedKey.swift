import Crypto
import Primitives

/// The bytes of a backup: what stands in clear, the encrypted key, and a check of both that needs no passphrase.
struct EncryptedKey: Hashable, Sendable {
    static let currentVersion: UInt8 = 1

    struct Header: Hashable, Sendable {
        var version = currentVersion
        var cost = PassphraseCost.standard
        var salt = Bytes32.zero
        var network = Address.Network.main
        var publicKey = PublicKey()
    }

    private(set) var header = Header()
    /// The 32 secret bytes and the authenticator's 16.
    private var ciphertext = [UInt8](repeating: 0, count: 48)
    /// Tells damage from a wrong passphrase: the authenticator alone cannot.
    private var check = Bytes32.zero

    private static let checkTag = TaggedHash.Tag("qlink/key-backup")

    init(
        of key: PrivateKey, on network: Address.Network, passphrase: [UInt8], cost: PassphraseCost, salt: Bytes32
    ) throws(KeyBackupError) {
        header = Header(cost: cost, salt: salt, network: network, publicKey: key.publicKey)
        let secret = try Self.secret(passphrase, header)
        guard let box = try? ChaChaPoly.seal(key.seed, using: secret, nonce: Self.nonce, authenticating: header.canonicalBytes)
        else {
            preconditionFailure("ChaCha20-Poly1305 cannot fail for 32 bytes")
        }
        ciphertext = Array(box.ciphertext) + Array(box.tag)
        check = computedCheck
    }

    init(bytes: [UInt8]) throws(KeyBackupError) {
        if let version = bytes.first, version != Self.currentVersion { throw .unknownVersion(version) }
        do { try self.init(canonicalBytes: bytes) } catch { throw .damaged }
        guard check == computedCheck else { throw .damaged }
        guard header.cost.isAcceptable else { throw .costRefused }
    }

    func key(passphrase: [UInt8]) throws(KeyBackupError) -> PrivateKey {
        let secret = try Self.secret(passphrase, header)
        guard
            let box = try? ChaChaPoly.SealedBox(nonce: Self.nonce, ciphertext: ciphertext[..<32], tag: ciphertext[32...]),
            let seed = try? ChaChaPoly.open(box, using: secret, authenticating: header.canonicalBytes),
            let key = PrivateKey(seed: Array(seed)), key.publicKey == header.publicKey
        else { throw .wrongPassphrase }
        return key
    }

    private var computedCheck: Bytes32 { Self.checkTag.digest(header.canonicalBytes + ciphertext) }

    /// Zero: each salt is new, so each secret encrypts once.
    private static var nonce: ChaChaPoly.Nonce {
        guard let nonce = try? ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12)) else {
            preconditionFailure("12 bytes are a nonce")
        }
        return nonce
    }

    private static func secret(_ passphrase: [UInt8], _ header: Header) throws(KeyBackupError) -> SymmetricKey {
        guard !passphrase.isEmpty else { throw .emptyPassphrase }
        return SymmetricKey(data: try Scrypt.derive(passphrase, salt: header.salt.bytes, cost: header.cost, count: 32))
    }
}

extension EncryptedKey: Canonical {
    init() {}

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&header)
        try coder.fixed(&ciphertext, count: 48)
        try coder.fixed(&check)
    }
}

extension EncryptedKey.Header: Canonical {
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&version)
        try coder.integer(&cost.log2N)
        try coder.integer(&cost.r)
        try coder.integer(&cost.p)
        try coder.fixed(&salt)
        try coder.choice(&network)
        try coder.nested(&publicKey)
    }
}
