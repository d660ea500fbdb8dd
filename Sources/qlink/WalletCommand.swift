import ArgumentParser
import Glibc
import Primitives

struct WalletCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wallet", abstract: "The key that pays.", subcommands: [Create.self, Address.self])

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a new wallet and prints its address.")
        @OptionGroup var file: WalletFile
        func run() throws { print(try file.create().publicKey) }
    }

    struct Address: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the wallet's address.")
        @OptionGroup var file: WalletFile
        func run() throws { print(try file.load().publicKey) }
    }
}

/// Where the wallet's secret is kept: 32 bytes, readable by its owner alone.
struct WalletFile: ParsableArguments {
    @Option(help: "The wallet's file.") var wallet = Self.standard

    static var standard: String { (getenv("HOME").map { String(cString: $0) } ?? ".") + "/.config/qlink/wallet.key" }

    func load() throws -> PrivateKey {
        let fd = open(wallet, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else { throw WalletError("there is no wallet at \(wallet); make one: qlink wallet create") }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0, info.st_mode & 0o077 == 0 else {
            throw WalletError("\(wallet) can be read by others; a wallet must not: chmod 600 \(wallet)")
        }
        var seed = [UInt8](repeating: 0, count: 33)
        guard read(fd, &seed, 33) == 32, let key = PrivateKey(seed: Array(seed.prefix(32))) else {
            throw WalletError("\(wallet) does not hold a wallet's 32 bytes; restore it from your backup")
        }
        return key
    }

    func makeFolder() {
        var path = ""
        for part in wallet.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
            path += part + "/"
            mkdir(path, 0o700)  // those that are there stay as they are
        }
    }

    func create() throws -> PrivateKey {
        makeFolder()
        let key = PrivateKey()
        let fd = open(wallet, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else {
            throw WalletError(
                errno == EEXIST
                    ? "there is a wallet at \(wallet) already; it is left as it is"
                    : "\(wallet) cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { close(fd) }
        guard write(fd, key.seed, 32) == 32, fsync(fd) == 0 else {
            throw WalletError("\(wallet) cannot be written: \(String(cString: strerror(errno)))")
        }
        return key
    }
}
