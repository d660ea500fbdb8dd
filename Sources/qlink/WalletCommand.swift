import ArgumentParser
import Glibc
import KeyCustody
import Primitives

struct WalletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wallet", abstract: "The key that pays, and its money.",
        subcommands: [Create.self, Address.self, Balance.self, Send.self, Backup.self, Restore.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a new wallet and prints its key.", usage: "qlink wallet create [options]",
            discussion: """
                On a terminal it asks for a passphrase, and shows once the 24 words that
                bring the wallet back: write them on paper.
                """)
        @OptionGroup var file: WalletFile
        @Option(help: "The kind of chain that its address is for.") var network = NetworkName.main

        func run() throws {
            let key = PrivateKey()
            try file.save(key, on: network.network)
            print(key.publicKey)
            guard isatty(1) == 1 else { return }
            print("address \(Primitives.Address(key.publicKey, on: network.network))\n")
            try showWords(of: key)
        }
    }

    struct Address: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the wallet's key, or its address.", usage: "qlink wallet address [options]",
            discussion: "Example: qlink wallet address --network main")
        @OptionGroup var file: WalletFile
        @Option(help: "Print the address on this kind of chain instead of the key.") var network: NetworkName?
        @Flag(help: "Print JSON: the key and its addresses.") var json = false

        private struct View: Encodable {
            var key: PublicKey
            var address: String
            var testAddress: String
        }

        func run() throws {
            let key = try file.publicKey()
            let address = { (network: Primitives.Address.Network) in Primitives.Address(key, on: network).description }
            if json { return try printJSON(View(key: key, address: address(.main), testAddress: address(.test))) }
            print(network.map { address($0.network) } ?? key.description)
        }
    }

    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the key to a file, encrypted under a passphrase.", usage: "qlink wallet backup [FILE] [options]",
            discussion: """
                Without FILE it shows the 24 words, on a terminal only.
                Example: qlink wallet backup /media/stick/wallet.backup
                """)
        @OptionGroup var file: WalletFile
        @Argument(help: "The backup's file; must not be there yet.") var path: String?
        @Option(help: "A file or descriptor with the backup's passphrase.") var backupPassphraseFile: String?
        @Option(help: "The kind of chain that its address is for.") var network = NetworkName.main

        func run() throws {
            let key = try file.load()
            guard let path else {
                guard isatty(1) == 1 else {
                    throw WalletError("the words are shown on a terminal only; name a file: qlink wallet backup FILE")
                }
                return try showWords(of: key)
            }
            try BackupFile.write(
                key, to: path, on: network.network, passphraseFrom: backupPassphraseFile, option: "--backup-passphrase-file")
            print("wrote \(path)")
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes the wallet again from 24 words or a backup.", usage: "qlink wallet restore [FILE] [options]",
            discussion: """
                Reads them from standard input, or from a backup's FILE.
                Example: qlink wallet restore /media/stick/wallet.backup
                """)
        @OptionGroup var file: WalletFile
        @Argument(help: "A file that \"qlink wallet backup\" wrote.") var path: String?
        @Option(help: "A file or descriptor with the backup's passphrase.") var backupPassphraseFile: String?
        @Option(help: "The kind of chain that its address is for.") var network = NetworkName.main

        func run() throws {
            let key = try BackupFile.read(path, passphraseFrom: backupPassphraseFile)
            try file.save(key, on: network.network)
            print(key.publicKey)
        }
    }
}

private func showWords(of key: PrivateKey) throws {
    for line in try KeyWords.lines(of: key, "the wallet") { print(line) }
}
