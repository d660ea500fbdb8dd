import ArgumentParser
import ChainClient
import Consensus
import Glibc
import KeyCustody
import Ledger
import Primitives
import StationAPI

/// What every command takes that speaks to the chain.
struct ChainOptions: ParsableArguments {
    @Option(help: "A node of the chain: http://HOST:PORT, or a control socket's path.") var node = "http://127.0.0.1:2052"
    @Option(help: "The chain's genesis file: with it, what the node says is proved.") var genesis: String?
    @Option(help: "HEIGHT:HASH of a block from somebody you trust, if proofs are too old.") var checkpoint: String?
    @Flag(help: "Do not wait until it is final, nor for a proof.") var noWait = false
    @Flag(help: "Print JSON, as documented in docs/wallet.md.") var json = false
    @OptionGroup var file: WalletFile

    private static let genesisLimit = 32 << 20
    private static let trustedLimit = 64 << 10

    var waits: Bool { !noWait }
    private var trustedPath: String { file.wallet + ".trusted" }

    func open() async throws -> ChainClient {
        let connection = ChainConnection(try NodeAddress(node))
        var client = try await ChainClient(
            connection, genesis: readGenesis(), kept: readTrusted(), checkpoint: readCheckpoint(), clock: SystemClock())
        client.onWait = { Progress.show($0, $1) }
        return client
    }

    /// Remembers what was verified, so that the next proof starts there.
    func keep(_ client: ChainClient) {
        Progress.end()
        guard let newest = client.light?.newest, newest.height > 0 else { return }
        do { try PrivateFile.write(newest.canonicalBytes, to: trustedPath, replacing: true) } catch {
            Terminal.say("\(error); the next proof starts from the genesis file again\n")
        }
    }

    private func readGenesis() throws -> Genesis? {
        guard let genesis else { return nil }
        guard let bytes = try PrivateFile.read(genesis, atMost: Self.genesisLimit, isSecret: false) else {
            throw WalletError("there is no genesis file \(genesis); stations of the chain have it")
        }
        do { return try JSON.decode(Genesis.self, from: bytes) } catch {
            throw WalletError("\(genesis) is not a genesis file of a chain; take another copy of it")
        }
    }

    /// What cannot be read is only not believed.
    private func readTrusted() throws -> LightBlock? {
        guard genesis != nil, let bytes = try PrivateFile.read(trustedPath, atMost: Self.trustedLimit, isSecret: true) else {
            return nil
        }
        do { return try LightBlock(canonicalBytes: bytes) } catch {
            Terminal.say("\(trustedPath) is damaged; the proof starts from the genesis file\n")
            return nil
        }
    }

    private func readCheckpoint() throws -> Checkpoint? {
        guard let checkpoint else { return nil }
        guard genesis != nil else { throw ValidationError("--checkpoint goes with --genesis") }
        let parts = checkpoint.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let height = UInt64(parts[0]), height > 0, let hash = Bytes32(String(parts[1])) else {
            throw ValidationError("a checkpoint is written HEIGHT:HASH, the hash with 64 hexadecimal digits")
        }
        return Checkpoint(height: height, header: hash)
    }

    struct SystemClock: WalletClock {
        func now() -> BlockTime {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return UInt64(max(0, time.tv_sec)) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
        }
        func sleep(_ duration: Nanoseconds) async {
            // Only cancelling ends it early, which nobody does here.
            try? await Task.sleep(for: .nanoseconds(duration.count))
        }
    }
}

/// How well something is known, in JSON and in words.
struct ProofView: Encodable {
    var proved: Bool
    var headerHeight: UInt64?
    var headerTime: ChainTime?
    var reason: String?

    init(_ standing: Standing) {
        switch standing {
        case .proved(let header, let time): (proved, headerHeight, headerTime) = (true, header, ChainTime(milliseconds: time))
        case .unproved(let why): (proved, reason) = (false, why)
        }
    }

    init(_ reason: String) { (proved, self.reason) = (false, reason) }

    /// Of several: the first that is not proved, else the oldest.
    init(all standings: [Standing], otherwise none: String) {
        let views = standings.map { ProofView($0) }
        self = views.first { !$0.proved } ?? views.min { $0.headerHeight ?? 0 < $1.headerHeight ?? 0 } ?? ProofView(none)
    }

    var words: String {
        if let headerHeight, let headerTime { return "proved as of \(headerTime), by the header of height \(headerHeight)" }
        return "NOT PROVED: \(reason ?? "")"
    }
}

extension ChainClient {
    func address(_ key: PublicKey) -> String { Address(key, on: network).description }

    func key(of text: String) throws -> PublicKey {
        do { return try Address(text, on: network).key } catch { throw WalletError("\(text.prefix(90)): \(error)") }
    }
}

func amount(_ text: String) throws -> QLC {
    guard let amount = QLC(text), amount > .zero else {
        throw ValidationError("\"\(text)\" is not an amount of QLC; write it like 0.5")
    }
    return amount
}
