import ArgumentParser
import Glibc
import KeyCustody
import Ledger
import Primitives
import StationConfiguration
import Store

/// The station's key where the daemon keeps it. The daemon is not asked for it: who may control a station may not have its key.
struct StationKey: ParsableArguments {
    @Option(help: "The daemon's configuration file.") var config = "/etc/basestation/station.toml"

    func configuration() throws -> StationConfiguration {
        do throws(ConfigurationError) { return try StationConfiguration.load(path: config) } catch { throw Refusal("\(error)") }
    }

    static func path(_ configuration: StationConfiguration) -> String { configuration.stateDirectory + "/station.key" }

    /// Of the key's addresses; that of the main network where there is no chain.
    static func network(_ configuration: StationConfiguration) throws -> Primitives.Address.Network {
        try configuration.chain.genesis.map { Primitives.Address.Network(ofChain: try GenesisFile.load($0).name) } ?? .main
    }
}

extension Wallet {
    struct Backup: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the station's key to a file, under a passphrase.",
            usage: "basestation wallet backup [FILE] [options]",
            discussion: """
                Without FILE it shows the 24 words, on a terminal only. Root and the daemon's
                user may. Example: basestation wallet backup /media/stick/station.backup
                """)
        @OptionGroup var station: StationKey
        @Argument(help: "The backup's file; must not be there yet.") var path: String?
        @Option(help: "A file or descriptor with the backup's passphrase.") var passphraseFile: String?

        func run() throws {
            let configuration = try station.configuration()
            let file = StationKey.path(configuration)
            guard let key = try KeyFile.loadDaemons(file).flatMap({ PrivateKey(seed: $0) }) else {
                throw Refusal("there is no key \(file) yet; the daemon makes one when it starts")
            }
            guard let path else {
                guard isatty(1) == 1 else {
                    throw Refusal("the words are shown on a terminal only; name a file: basestation wallet backup FILE")
                }
                for line in try KeyWords.lines(of: key, "the station") { print(line) }
                return
            }
            try BackupFile.write(
                key, to: path, on: StationKey.network(configuration), passphraseFrom: passphraseFile, option: "--passphrase-file")
            print("wrote \(path)")
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives this board the key of a station, from 24 words or a backup.",
            usage: "basestation wallet restore [FILE] [options]",
            discussion: """
                The daemon must not run, here or on the board that the key comes from. Reads the
                words from standard input, or a backup's FILE.
                Example: basestation wallet restore /media/stick/station.backup
                """)
        @OptionGroup var station: StationKey
        @Argument(help: "A file that \"basestation wallet backup\" wrote.") var path: String?
        @Option(help: "A file or descriptor with the backup's passphrase.") var passphraseFile: String?
        @Flag(help: "Take the place of a key that is there; that one is kept as station.key.old.") var replace = false

        func run() throws {
            let configuration = try station.configuration()
            let network = try StationKey.network(configuration)
            let file = StationKey.path(configuration)
            let restoration = try KeyRestoration(file)
            // Asked before the passphrase: nobody should type it for nothing.
            let present = try restoration.present()
            guard present == nil || replace else {
                throw Refusal("\(file) is there already, and is left as it is; --replace puts another in its place")
            }
            let key = try BackupFile.read(path, passphraseFrom: passphraseFile)
            if key.seed == present {
                print("\(file) is this very key already")
            } else {
                try restoration.put(key.seed)
                print("\(file) is the key of\n\(Primitives.Address(key.publicKey, on: network))")
                if present != nil { print("the key that was there is \(file).old") }
            }
            for line in Self.warnings(configuration) { print(line) }
        }

        private static func warnings(_ configuration: StationConfiguration) -> [String] {
            var lines =
                [""] + Screen.wrap("Never run two boards with one key: their payments and vouchers would overtake each other.")
            guard !configuration.chain.isDiskCopy else { return lines }
            if configuration.chain.role == .delegate {
                lines += Screen.wrap(
                    "This node is a delegate. What the key signed elsewhere is not known here, and two votes for one step cost stake: "
                        + "before it starts, set disk_is_copy = true below [chain]. It signs when the chain has passed all that the "
                        + "original may have signed.")
            } else {
                lines += Screen.wrap("If it is to be a delegate, set disk_is_copy = true below [chain] first.")
            }
            return lines
        }
    }
}
