import ArgumentParser
import Glibc
import KeyBackup
import KeyCustody
import Primitives

/// Where the wallet's key is kept: encrypted under a passphrase in the form of a key backup, or as 32 bare bytes.
struct WalletFile: ParsableArguments {
    @Option(help: "The wallet's file.") var wallet = Self.standard
    @Option(help: "A file or descriptor with the passphrase; else a terminal is asked.") var passphraseFile: String?

    static var standard: String { (getenv("HOME").map { String(cString: $0) } ?? ".") + "/.config/qlink/wallet.key" }

    private enum Content {
        case bare(PrivateKey)
        case encrypted(KeyBackup)
    }

    private func content() throws -> Content {
        guard let bytes = try PrivateFile.read(wallet, atMost: 4_096, isSecret: true) else {
            throw WalletError("there is no wallet at \(wallet); make one: qlink wallet create")
        }
        if bytes.count == 32, let key = PrivateKey(seed: bytes) { return .bare(key) }
        do throws(KeyBackupError) { return .encrypted(try KeyBackup(text: String(decoding: bytes, as: UTF8.self))) } catch {
            throw WalletError("\(wallet) does not hold a wallet's key: \(error); restore it: qlink wallet restore")
        }
    }

    func load() throws -> PrivateKey {
        switch try content() {
        case .bare(let key): return key
        case .encrypted(let backup):
            let passphrase = try Passphrase.of(wallet, from: passphraseFile)
            do { return try backup.key(passphrase: passphrase) } catch { throw WalletError("\(wallet): \(error)") }
        }
    }

    /// Needs no passphrase.
    func publicKey() throws -> PublicKey {
        switch try content() {
        case .bare(let key): key.publicKey
        case .encrypted(let backup): backup.address.key
        }
    }

    /// What visit records are sealed for; nil: there is no wallet, or it was made before there were such records and is encrypted.
    func visitKey() -> SealingKey? {
        switch try? content() {  // a wallet that is damaged is told by whoever pays with it
        case .bare(let key)?: OpeningKey(of: key).sealingKey
        case .encrypted(let backup)?: VisitKey(beside: self).kept(by: backup.address.key)
        case nil: nil
        }
    }

    /// Whether `load` would ask somebody who is not there.
    func isOutOfReach() throws -> Bool {
        if case .bare = try content() { return false }
        return passphraseFile == nil && isatty(0) != 1
    }

    func makeFolder() { PrivateFile.makeFolder(of: wallet) }

    /// Writes a new wallet. Without anybody to give a passphrase it is bare, which is said.
    func save(_ key: PrivateKey, on network: Address.Network) throws {
        // Asked first: nobody should think of a passphrase for nothing.
        guard access(wallet, F_OK) != 0 else { throw isThere }
        var content = key.seed
        if let passphrase = try Passphrase.new(for: wallet, from: passphraseFile) {
            content = Array(try BackupFile.encrypted(key, passphrase, on: network).text.utf8)
        } else {
            Terminal.say(
                "\(wallet) is not encrypted: whoever reads it can pay; a passphrase\ncomes from a terminal or --passphrase-file\n"
            )
        }
        guard try PrivateFile.write(content, to: wallet, replacing: false) else { throw isThere }
        VisitKey(beside: self).keep(of: key)
    }

    private var isThere: WalletError { WalletError("there is a wallet at \(wallet) already; it is left as it is") }
}

/// The kinds of chain, as people type them.
enum NetworkName: String, ExpressibleByArgument {
    case main, test

    var network: Address.Network { self == .main ? .main : .test }
}
