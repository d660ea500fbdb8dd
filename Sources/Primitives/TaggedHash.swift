import Crypto

/// SHA-256 tagged by what is hashed (BIP-340): a digest of one type is never a digest of another.
public enum TaggedHash {
    /// A tag made ready: what it adds to a digest, one block of SHA-256, is computed once. Keep it in a `static let`.
    public struct Tag: Sendable {
        private let prepared: PreparedDigest

        public init(_ name: String) { self.init(name, and: []) }

        /// - Parameter start: what every message begins with.
        public init(_ name: String, and start: [UInt8]) {
            let tag = PreparedDigest().digest(Array(name.utf8)).bytes
            prepared = PreparedDigest(prefix: tag + tag + start)
        }

        /// `SHA256(SHA256(tag) ‖ SHA256(tag) ‖ message)`.
        public func digest(_ message: [UInt8]) -> Bytes32 { prepared.digest(message) }
        public func digest(_ message: ArraySlice<UInt8>) -> Bytes32 { prepared.digest(message) }

        /// The same of 32 or 64 bytes, without an array.
        public func digest(of message: Bytes32) -> Bytes32 { prepared.digest(message) }
        public func digest(of first: Bytes32, _ second: Bytes32) -> Bytes32 { prepared.digest(first, second) }
    }

    /// The digest under a tag that is used once; for one that is used often, see ``Tag``.
    public static func digest(tag: String, _ message: some Sequence<UInt8>) -> Bytes32 { Tag(tag).digest(Array(message)) }

    /// SHA-256 without a tag, of what others have defined: a certificate's fingerprint.
    public static func untagged(_ message: [UInt8]) -> Bytes32 { PreparedDigest().digest(message) }

    /// HMAC-SHA-256 (RFC 2104), for secrets that are stored hashed.
    public static func keyed(_ key: [UInt8], _ message: [UInt8]) -> Bytes32 {
        Bytes32(Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))))!
    }
}

/// A value that has a signature over its tagged canonical bytes.
public protocol Signable: Canonical {
    /// Keeps a signature for one type from standing under another.
    static var signingTag: String { get }
    /// The same made ready. A type that is signed often keeps it in a `static let`.
    static var preparedTag: TaggedHash.Tag { get }
}

extension Signable {
    public static var preparedTag: TaggedHash.Tag { TaggedHash.Tag(signingTag) }
    public var digest: Bytes32 { Self.preparedTag.digest(canonicalBytes) }
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
        let digest = Value.preparedTag.digest(bytes)
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
