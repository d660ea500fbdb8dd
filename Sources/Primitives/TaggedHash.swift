import Crypto

/// SHA-256 tagged by what is hashed (BIP-340): a digest of one type is never a digest of another.
public enum TaggedHash {
    /// `SHA256(SHA256(tag) ‖ SHA256(tag) ‖ message)`.
    public static func digest(tag: String, _ message: some Sequence<UInt8>) -> Bytes32 {
        let prefix = Array(SHA256.hash(data: Array(tag.utf8)))
        var hash = SHA256()
        hash.update(data: prefix)
        hash.update(data: prefix)
        hash.update(data: Array(message))
        return Bytes32(Array(hash.finalize()))!
    }

    /// HMAC-SHA-256 (RFC 2104), for secrets that are stored hashed.
    public static func keyed(_ key: [UInt8], _ message: [UInt8]) -> Bytes32 {
        Bytes32(Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))))!
    }
}

/// A value that has a signature over its tagged canonical bytes.
public protocol Signable: Canonical {
    /// Keeps a signature for one type from standing under another.
    static var signingTag: String { get }
}

extension Signable {
    public var digest: Bytes32 { TaggedHash.digest(tag: Self.signingTag, canonicalBytes) }
}

/// A value and what claims to be its signature. Only `verified(by:)` gives the value away.
public struct Signed<Value: Signable & Sendable>: Sendable {
    /// What is claimed: read it to find out whose key must have signed, never to act on it.
    public let claim: Value
    public let signature: Signature

    public init(claim: Value, signature: Signature) {
        self.claim = claim
        self.signature = signature
    }

    public init(_ value: Value, by key: PrivateKey) {
        claim = value
        signature = key.sign(value.digest.bytes)
    }

    /// nil if `key` did not sign this value, or nobody can because it is outside its own limits.
    public func verified(by key: PublicKey) -> Verified<Value>? {
        guard let bytes = try? claim.encoded() else { return nil }  // it came from outside: refused, not trapped
        let digest = TaggedHash.digest(tag: Value.signingTag, bytes)
        return key.isValid(signature, for: digest.bytes) ? Verified(signed: self, by: key) : nil
    }
}

extension Signed: Canonical {
    public init() { self.init(claim: Value(), signature: Signature()) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var (claim, signature) = (claim, signature)
        try coder.nested(&claim)
        try coder.nested(&signature)
        self = Signed(claim: claim, signature: signature)
    }
}

/// A value whose signature was checked; there is no other way to make one.
public struct Verified<Value: Signable & Sendable>: Sendable {
    public let signed: Signed<Value>
    public let signer: PublicKey
    public var value: Value { signed.claim }

    fileprivate init(signed: Signed<Value>, by signer: PublicKey) {
        self.signed = signed
        self.signer = signer
    }

    /// One's own signature needs no checking.
    public init(signing value: Value, by key: PrivateKey) { self.init(signed: Signed(value, by: key), by: key.publicKey) }
}

extension Signed: Codable where Value: Codable {}
extension Signed: Equatable where Value: Equatable {}
extension Signed: Hashable where Value: Hashable {}
extension Verified: Equatable where Value: Equatable {}
extension Verified: Hashable where Value: Hashable {}
