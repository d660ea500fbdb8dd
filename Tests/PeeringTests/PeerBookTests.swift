import Glibc
import Logging
import Primitives
import SimulatedHAL
import Synchronization
import Testing

@testable import Peering

@Suite struct PeerBookTests {
    private let file = ScratchFile()
    private let warnings = Warnings()
    private let limits = PeeringLimits()

    private func open(at now: Instant = .zero) -> PeerBook { PeerBook(path: file.path, at: now, logger: warnings.logger) }

    /// Instants are of one boot: what is left to wait goes on, whatever the clock says after it.
    @Test func everythingIsThereAfterARestart() throws {
        let book = open(), now = Instant.zero + .seconds(5000)
        let good = Endpoint("8.8.1.1:1")!, bad = Endpoint("9.9.1.1:2")!
        book.change {
            $0.table.learn(bad, from: .provider(of: good), at: now)
            $0.table.change(bad, at: now) { $0.refused(at: now, for: .seconds(50)) }
            $0.table.succeeded(good, identity: key(1).publicKey, at: now + .seconds(-30))
            $0.standings.ban(.peer(key(2).publicKey), at: now)
            _ = $0.standings.punish(.subscriber(.subscriber(good.address)), 70, at: now + .seconds(-60))
        }
        book.keep(anchors: [good])
        try book.save(at: now)
        let again = open(at: .zero).read { $0 }
        #expect(again.table.entries.count == 2 && again.anchors == [good])
        #expect(again.table.entries[good]?.identity == key(1).publicKey && again.table.entries[good]?.isTried == true)
        #expect(again.table.entries[good]?.lastSuccess == .zero + .seconds(-30))
        #expect(again.table.entries[bad]?.redial.notBefore == .zero + .seconds(50))
        #expect(again.table.entries[bad]?.source == .provider(of: good))
        #expect(again.standings.isBanned(.peer(key(2).publicKey), at: .zero + .seconds(86_399)))
        #expect(again.standings.points(of: .subscriber(.subscriber(good.address)), at: .zero) == 69)
        #expect(warnings.count == 0)
    }

    @Test func aFullBookKeepsEveryPlace() throws {
        let book = open()
        var random = SplitMix64(seed: 1)
        for _ in 0..<5000 {
            let value = UInt32(random.number(0x0b00_0000...0x7e00_0000)),
                source = UInt32(random.number(0x0b00_0000...0x7e00_0000))
            let endpoint = Endpoint(address: .v4(value), port: 1)
            book.change { contents in
                if value % 4 == 0 {
                    contents.table.succeeded(endpoint, identity: key(1).publicKey, at: .zero)
                } else {
                    contents.table.learn(endpoint, from: .provider(of: Endpoint(address: .v4(source), port: 1)), at: .zero)
                }
            }
        }
        try book.save(at: .zero)
        func places(_ book: PeerBook) -> [[String]] {
            book.read { $0.table.all.map { ["\($0.endpoint)", "\($0.source)", "\($0.isTried)"] } }
        }
        let before = places(book), after = places(open())
        #expect(before.count > 800)
        #expect(after.count == before.count)
        #expect(zip(after, before).allSatisfy { $0 == $1 })
    }

    @Test(
        arguments: [
            { bytes in bytes = [] }, { $0.removeLast() }, { $0.append(0) }, { $0[40] ^= 1 }, { $0[0] ^= 1 },
            { $0 = [UInt8](repeating: 0, count: PeerBookFile.sizeLimit + 1) },
        ] as [@Sendable (inout [UInt8]) -> Void]) func aDamagedBookStartsAnewWithAWarning(
            _ damage: @Sendable (inout [UInt8]) -> Void
        ) throws
    {
        let book = open()
        book.keep(anchors: [Endpoint("8.8.1.1:1")!])
        try book.save(at: .zero)
        var bytes = contents()
        damage(&bytes)
        write(bytes)
        let again = open()
        #expect(warnings.count == 1)
        #expect(again.read { $0.anchors.isEmpty && $0.table.entries.isEmpty })
        again.keep(anchors: [Endpoint("8.8.1.1:1")!])
        try again.save(at: .zero)
        #expect(open().read { $0.anchors.count } == 1)
        #expect(warnings.count == 1)
    }

    @Test func nothingIsWrittenThatDidNotChange() throws {
        let book = open()
        try book.save(at: .zero)
        #expect(access(file.path, F_OK) != 0)
        book.keep(anchors: [Endpoint("8.8.1.1:1")!])
        try book.save(at: .zero)
        unlink(file.path)
        book.keep(anchors: [Endpoint("8.8.1.1:1")!])
        try book.save(at: .zero)
        #expect(access(file.path, F_OK) != 0)
    }

    @Test func aBookThatCannotBeWrittenSaysSoAndTriesAgain() throws {
        let book = PeerBook(path: "/nowhere/peers", at: .zero, logger: warnings.logger)
        book.keep(anchors: [Endpoint("8.8.1.1:1")!])
        for _ in 0..<2 {
            let error = #expect(throws: PeeringError.self) { try book.save(at: .zero) }
            #expect(error?.description.contains("/nowhere/peers cannot be made: No such file") == true)
        }
    }

    private func contents() -> [UInt8] {
        guard let stream = fopen(file.path, "r") else { return [] }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes.prefix(fread(&bytes, 1, bytes.count, stream)))
    }

    private func write(_ bytes: [UInt8]) {
        guard let stream = fopen(file.path, "w") else { return }
        fwrite(bytes, 1, bytes.count, stream)
        fclose(stream)
    }
}

/// Counts warnings.
private final class Warnings: Sendable {
    private let total = Mutex(0)
    var count: Int { total.withLock { $0 } }
    var logger: Logger { Logger(label: "book") { _ in Handler(warnings: self) } }

    struct Handler: LogHandler {
        let warnings: Warnings
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { warnings.total.withLock { $0 += 1 } }
    }
}
