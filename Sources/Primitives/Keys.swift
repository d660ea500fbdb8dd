import Crypto

/// An Ed25519 public key (RFC 8032): who a station, an owner or a buyer is.
public struct PublicKey: Hashable, Comparable, Sendable {
    public var raw: Bytes32

    public init(raw: Bytes32) { self.raw = raw }

    public static func < (left: PublicKey, right: PublicKey) -> Bool { left.raw < right.raw }

    /// Whether `signature` is this key's over `message`: one verdict on every station (chain.md, "Ground"), so points of small order
    /// and second encodings of a point are refused before the library is asked. Costs about 0.1 ms.
    public func isValid(_ signature: Signature, for message: [UInt8]) -> Bool {
        guard let memory = Self.verdicts else { return computedVerdict(on: signature, for: message) }
        return memory.verdict(on: signature, of: self, for: message) { computedVerdict(on: signature, for: message) }
    }

    /// What was found before, where many nodes in one process check the same signatures: a simulation. A node has none.
    @TaskLocal package static var verdicts: (any SignatureVerdicts)?

    private func computedVerdict(on signature: Signature, for message: [UInt8]) -> Bool {
        guard EncodedPoint.isAcceptable(raw), EncodedPoint.isAcceptable(signature.r) else { return false }
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw.bytes) else { return false }
        return key.isValidSignature(signature.bytes, for: message)
    }
}

/// Remembers which signatures are true, so that each is computed once.
package protocol SignatureVerdicts: Sendable {
    func verdict(on signature: Signature, of key: PublicKey, for message: [UInt8], computed: () -> Bool) -> Bool
}

/// A station is known by its owner-bound key.
public typealias StationID = PublicKey

extension PublicKey: LosslessStringConvertible, Codable, Canonical {
    public init() { raw = .zero }
    public var description: String { raw.description }
    public init?(_ description: String) {
        guard let raw = Bytes32(description) else { return nil }
        self.raw = raw
    }
    public init(from decoder: any Decoder) throws {
        self = try decodeText(from: decoder, as: "a public key of 64 hexadecimal digits")
    }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
    @inlinable public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.fixed(&raw) }
}

/// An Ed25519 private key. It has no description: a secret never reaches a log.
public struct PrivateKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    public init() { key = Curve25519.Signing.PrivateKey() }

    /// nil unless `seed` holds 32 bytes.
    public init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = key
    }

    /// The 32 secret bytes, for the key file alone.
    public var seed: [UInt8] { Array(key.rawRepresentation) }

    public var publicKey: PublicKey { PublicKey(raw: Bytes32(Array(key.publicKey.rawRepresentation))!) }

    public func sign(_ message: [UInt8]) -> Signature {
        guard let bytes = try? key.signature(for: message), let signature = Signature(Array(bytes)) else {
            preconditionFailure("Ed25519 signing cannot fail for a valid key")
        }
        return signature
    }
}

/// The 64 bytes of an Ed25519 signature. Text form: 128 hexadecimal digits.
public struct Signature: Hashable, Sendable {
    public static let size = 64

    fileprivate(set) var r: Bytes32
    private var s: Bytes32

    /// nil unless `bytes` holds exactly 64.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 64, let r = Bytes32(bytes[..<32]), let s = Bytes32(bytes[32...]) else { return nil }
        (self.r, self.s) = (r, s)
    }

    public var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
            r.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            s.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[32...]).copyMemory(from: $0)
            }
            count = 64
        }
    }
}

extension Signature: LosslessStringConvertible, Codable, Canonical {
    public init() { (r, s) = (.zero, .zero) }
    public var description: String { Hex.encode(bytes) }
    public init?(_ description: String) {
        guard let bytes = Hex.decode(description, count: 64) else { return nil }
        self.init(bytes)
    }
    public init(from decoder: any Decoder) throws {
        self = try decodeText(from: decoder, as: "a signature of 128 hexadecimal digits")
    }
    public func encode(to encoder: any Encoder) throws { try encodeText(self, to: encoder) }
    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.fixed(&r)
        try coder.fixed(&s)
    }
}
