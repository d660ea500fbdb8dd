public import Primitives

/// A secret key as a text file to keep elsewhere: encrypted under a passphrase, with its address in clear.
///
///     passphrase ─ scrypt(salt) ─▶ one-time key ─ ChaCha20-Poly1305 ─▶ the 32 secret bytes
///                                                       ▲ header bound in: version, costs, salt, network, public key
///     text = the address for people, the bytes in hexadecimal, between two lines that say what it is
///
/// Reading checks the form first (every changed character is found without the passphrase), then the passphrase.
public struct KeyBackup: Hashable, Sendable {
    private static let begin = "-----BEGIN QLINK KEY BACKUP-----"
    private static let end = "-----END QLINK KEY BACKUP-----"
    private static let digitsPerLine = 64
    /// A backup is some 500 characters; more is not looked at.
    private static let lengthLimit = 4_096

    private var file: EncryptedKey

    /// Whose key it is.
    public var address: Address { Address(file.header.publicKey, on: file.header.network) }

    /// Encrypts `key`. Takes as long as `cost` says: 0.1 s of a desktop's core, some ten times that on a board.
    /// - Parameter passphrase: UTF-8; from a terminal or a file descriptor, never from an argument that other users can list.
    /// - Throws: `emptyPassphrase`, or `noMemory`.
    public init(
        of key: PrivateKey, on network: Address.Network, passphrase: [UInt8], cost: PassphraseCost = .standard,
        using random: inout some RandomNumberGenerator
    ) throws(KeyBackupError) {
        let salt = Bytes32((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) })!
        file = try EncryptedKey(of: key, on: network, passphrase: passphrase, cost: cost, salt: salt)
    }

    /// Reads a backup's form; nothing is decrypted yet.
    /// - Throws: `notABackup`, `damaged`, `unknownVersion` or `costRefused`.
    public init(text: String) throws(KeyBackupError) {
        guard text.utf8.count <= Self.lengthLimit else { throw .notABackup }
        let lines = text.split { $0 == "\n" || $0 == "\r\n" }
        guard lines.first == Substring(Self.begin) else { throw .notABackup }
        guard let bytes = Hex.decode(lines.dropFirst(2).dropLast().joined()), !bytes.isEmpty else { throw .damaged }
        file = try EncryptedKey(bytes: bytes)
        // only one text stands for these bytes: what was changed in the address or a line is found here
        guard lines.joined(separator: "\n") + "\n" == self.text else { throw .damaged }
    }

    /// What to write to the file.
    public var text: String {
        let digits = Hex.encode(file.canonicalBytes)
        let lines = stride(from: 0, to: digits.utf8.count, by: Self.digitsPerLine).map {
            digits.dropFirst($0).prefix(Self.digitsPerLine)
        }
        return ([Self.begin, "Address: \(address)"] + lines.map(String.init) + [Self.end]).joined(separator: "\n") + "\n"
    }

    /// The key.
    /// - Throws: `wrongPassphrase`, `emptyPassphrase`, or `noMemory`.
    public func key(passphrase: [UInt8]) throws(KeyBackupError) -> PrivateKey { try file.key(passphrase: passphrase) }
}

/// What guessing a passphrase costs (scrypt, RFC 7914): each guess takes `128 · 2^log2N · r` bytes and the time to fill them p times.
public struct PassphraseCost: Hashable, Sendable {
    public var log2N: UInt8
    public var r: UInt8
    public var p: UInt8

    public init(log2N: UInt8, r: UInt8, p: UInt8) { (self.log2N, self.r, self.p) = (log2N, r, p) }

    /// 32 MiB: a board has 512 MB of which the agent leaves most, but 128 MiB (2^17, often advised) could be refused there, and a
    /// backup that cannot be restored on a board is none.
    public static let standard = PassphraseCost(log2N: 15, r: 8, p: 1)

    /// What a file may ask for: a hostile one must take neither the memory nor the day.
    public static let memoryLimit = 64 << 20
    private static let passesLimit: UInt8 = 16
    /// The library's own limit of memory is too small for larger blocks.
    private static let blockLimit: UInt8 = 8

    var memory: Int { 128 << Int(min(log2N, 32)) * Int(r) }
    var isAcceptable: Bool {
        (1...24).contains(log2N) && (1...Self.blockLimit).contains(r) && (1...Self.passesLimit).contains(p)
            && memory <= Self.memoryLimit
    }
}

/// Why a backup was not made or not restored.
public enum KeyBackupError: Error, Equatable {
    case notABackup
    case damaged
    case unknownVersion(UInt8)
    case costRefused
    case emptyPassphrase
    case wrongPassphrase
    case noMemory(Int)
}

extension KeyBackupError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notABackup: "this is not a key backup: it starts with \"-----BEGIN QLINK KEY BACKUP-----\""
        case .damaged: "this key backup was changed after it was made, or is not whole: take another copy of it"
        case .unknownVersion(let version): "this key backup has version \(version), made by newer software: update this one"
        case .costRefused: "this key backup asks for more memory or time than one of ours: it was made by other software"
        case .emptyPassphrase: "a key backup needs a passphrase: several words that only you know"
        case .wrongPassphrase: "this passphrase does not open the key backup, which is whole: try how else you may have typed it"
        case .noMemory(let bytes):
            "\(bytes >> 20) MiB of memory for the passphrase were not there: stop other programs and try again"
        }
    }
}
