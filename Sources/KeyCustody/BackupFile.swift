import Glibc
public import KeyBackup
public import Primitives

/// A key backup as a file that is kept elsewhere.
public enum BackupFile {
    private static let limit = 4_096

    public static func encrypted(
        _ key: PrivateKey, _ passphrase: [UInt8], on network: Address.Network
    ) throws -> KeyBackup {
        var random = SystemRandomNumberGenerator()
        do { return try KeyBackup(of: key, on: network, passphrase: passphrase, using: &random) } catch {
            throw CustodyError("\(error)")
        }
    }

    /// Writes a new file; one that is there stays as it is.
    /// - Parameters:
    ///   - file: where the passphrase is; nil: a terminal is asked, twice.
    ///   - option: the option that names such a file.
    public static func write(
        _ key: PrivateKey, to path: String, on network: Address.Network, passphraseFrom file: String?, option: String
    ) throws {
        let isThere = CustodyError("\(path) is there already; it is left as it is")
        // Asked first: nobody should think of a passphrase for nothing.
        guard access(path, F_OK) != 0 else { throw isThere }
        guard let passphrase = try Passphrase.new(for: path, from: file) else {
            throw CustodyError("a backup needs a passphrase: \(option) FILE")
        }
        let text = try encrypted(key, passphrase, on: network).text
        guard try PrivateFile.write(Array(text.utf8), to: path, replacing: false) else { throw isThere }
    }

    /// The key out of a backup's file or 24 words, at `path` or at standard input.
    public static func read(_ path: String?, passphraseFrom file: String?) throws -> PrivateKey {
        if isatty(0) == 1, path == nil { Terminal.say("Type the 24 words, then ^D on a line of its own:\n") }
        let bytes =
            try path.map { try PrivateFile.read($0, atMost: limit, isSecret: false) }
            ?? PrivateFile.bytes(of: 0, "standard input", atMost: limit)
        guard let bytes else { throw CustodyError("there is no \(path ?? "")") }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("-----BEGIN") else { return try KeyWords.key(text) }
        do {
            let backup = try KeyBackup(text: text)
            return try backup.key(passphrase: Passphrase.of("the backup", from: file))
        } catch let error as KeyBackupError { throw CustodyError("\(error)") }
    }
}
