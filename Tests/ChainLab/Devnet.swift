public import Chain
public import Consensus
import Foundation
public import Ledger
import Logging
public import Node
public import Peering
public import Primitives
public import Store

/// What did not come about in time, in words.
public struct DevnetError: Error, CustomStringConvertible {
    public var description: String
}

/// A small network with real sockets and disks, below a folder of its own.
public final class Devnet: Sendable {
    public struct Member: Sendable {
        public let service: ChainService
        public let network: PeerNetwork

        /// Until the state is as wanted; 30 s at most.
        public func wait(_ isThere: @Sendable (LedgerState) -> Bool) async throws {
            for _ in 0..<1_500 {
                if await service.read({ isThere($0.state) }) { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            let height = await service.state.head.height
            throw DevnetError(description: "not within 30 s; height \(height), silent because \(await service.silence ?? "-")")
        }

        /// Offers a transaction, and waits until it is in a block.
        /// - Returns: why it was refused there; nil when it was done.
        @discardableResult
        public func finish(_ transaction: CheckedTransaction) async throws -> Refusal? {
            let blocks = await service.finalBlocks()
            try await service.submit(transaction)
            for await block in blocks {
                if let receipt = block.receipts.first(where: { $0.transaction == transaction.id }) { return receipt.refusal }
            }
            throw DevnetError(description: "the node ended before the transaction was final")
        }

        public func waitForReceipt(of id: Bytes32) async throws {
            for await block in await service.finalBlocks() {
                guard let receipt = block.receipts.first(where: { $0.transaction == id }) else { continue }
                guard let refusal = receipt.refusal else { return }
                throw DevnetError(description: "refused: \(refusal)")
            }
            throw DevnetError(description: "the node ended before the transaction was final")
        }
    }

    public let keys: [PrivateKey]
    public let genesis: Genesis
    private let delegates: Int
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("qlink-devnet-\(UUID().uuidString)")
    private let ports: [UInt16]
    /// How far a node may be behind without a snapshot, how many blocks are kept, and how much the log forgets at a time.
    private let settings: SyncSettings
    private let blocksKept: UInt64
    private let segmentSize: Int
    private let timing: ConsensusTiming

    public init(
        delegates: Int, followers: Int, parameters: Parameters = Parameters(), timing: ConsensusTiming = ConsensusTiming(),
        gap: UInt64 = SyncSettings().gap, blocksKept: UInt64 = ChainStore.blocksKept, segmentSize: Int = BlockLog.segmentSize
    ) throws {
        (self.delegates, self.blocksKept, self.segmentSize, self.timing) = (delegates, blocksKept, segmentSize, timing)
        var settings = SyncSettings()
        settings.gap = gap
        self.settings = settings
        let keys = (0..<delegates + followers).map { PrivateKey(seed: [UInt8](repeating: UInt8($0 + 1), count: 32))! }
        self.keys = keys
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let left = QLC.supply.units - UInt64(delegates) * stake.units
        let each = left / UInt64(keys.count)
        genesis = Genesis(
            name: "devnet", time: UInt64(Date().timeIntervalSince1970 * 1_000) - 60_000, parameters: parameters,
            allocations: keys.enumerated().map { index, key in
                Genesis.Allocation(key.publicKey, QLC(units: index == 0 ? left - each * UInt64(keys.count - 1) : each))
            },
            delegates: keys.prefix(delegates).map { Genesis.FirstDelegate($0.publicKey, stake: stake) })
        ports = try freePorts(keys.count)
        for index in keys.indices {
            try FileManager.default.createDirectory(atPath: home(index), withIntermediateDirectories: true)
        }
    }

    public func remove() { try? FileManager.default.removeItem(at: folder) }

    /// The folder of a node's own.
    public func home(_ index: Int) -> String { folder.appendingPathComponent("\(index)").path }

    /// Runs the nodes while `body` runs, and waits until each has closed its disk.
    public func running(only wanted: [Int]? = nil, _ body: @Sendable ([Member]) async throws -> Void) async throws {
        let members = try await (wanted ?? Array(keys.indices)).asyncMap { try await self.member($0) }
        try await withThrowingTaskGroup { group in
            for member in members {
                group.addTask { try await member.service.run() }
                group.addTask { try await member.network.run() }
            }
            try await body(members)
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func member(_ index: Int) async throws -> Member {
        var logger = Logger(label: "node \(index)")
        logger.logLevel = .critical
        var configuration = PeerNetwork.Configuration(chainID: genesis.chainID, frames: .chain, software: "test")
        configuration.listen = Endpoint("127.0.0.1:\(ports[index])")
        configuration.configuredPeers = ports.enumerated().filter { $0.offset != index }.map {
            ConfiguredPeer(host: "127.0.0.1", port: $0.element)
        }
        configuration.acceptsPrivateAddresses = true
        configuration.limits.redialFirst = .milliseconds(200)
        configuration.limits.inboundPerAddress = 32
        configuration.limits.inboundPerGroup = 32
        configuration.limits.acceptsPerSecond = 100
        let start = ContinuousClock.now
        let boot: @Sendable () -> Instant = {
            let elapsed = (ContinuousClock.now - start).components
            return Instant(nanoseconds: elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000)
        }
        let network = PeerNetwork(
            configuration, identity: try PeerIdentity(keys[index]), book: PeerBook(path: nil, at: boot(), logger: logger),
            now: { Moment(boot: boot(), wall: WallTime(secondsSince1970: Int64(Date().timeIntervalSince1970))) }, logger: logger)
        let service = try await ChainService(
            genesis: genesis, identity: index < delegates ? keys[index] : nil, timing: timing, settings: settings,
            storage: try ChainStore(directory: home(index), blocksKept: blocksKept, segmentSize: segmentSize),
            transport: PeerTransport(network),
            clock: ChainClock(boot: boot, wall: { UInt64(Date().timeIntervalSince1970 * 1_000) }), logger: logger)
        return Member(service: service, network: network)
    }

    public func sign(_ payload: Payload, by index: Int, sequence: UInt64) -> CheckedTransaction {
        let transaction = Transaction(
            chainID: genesis.chainID, sender: keys[index].publicKey, sequence: sequence, fee: QLC(units: 1_000_000),
            validUntil: UInt64(Date().timeIntervalSince1970 * 1_000) + 600_000, payload: payload)
        return CheckedTransaction(signing: transaction, by: keys[index])
    }

    public func pay(
        _ amount: QLC, to payee: PublicKey, from index: Int, sequence: UInt64, at member: Member
    ) async throws -> Bytes32 {
        let checked = sign(.transfer(Transfer(to: payee, amount: amount)), by: index, sequence: sequence)
        try await member.service.submit(checked)
        return checked.id
    }
}

extension Array where Element: Sendable {
    fileprivate func asyncMap<Result: Sendable>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}

/// Ports that were free a moment ago.
private func freePorts(_ count: Int) throws -> [UInt16] {
    var sockets: [Int32] = []
    defer { for socket in sockets { close(socket) } }
    return try (0..<count).map { _ in
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        sockets.append(fd)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(fd, $0, size) == 0 && getsockname(fd, $0, &size) == 0
            }
        }
        guard code else { throw DevnetError(description: "no port is free") }
        return UInt16(bigEndian: address.sin_port)
    }
}
