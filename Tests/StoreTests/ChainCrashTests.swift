import Charging
import Foundation
import Primitives
import Testing
import ToyChain

@testable import Store

/// What a power cut, a bad disk, a full disk and SIGKILL leave of the block log and of the state.
@Suite struct ChainCrashTests {
    private let scratch = Scratch(inMemory: true)
    private var directory: String { scratch.path + "/blocks" }
    private static let count: UInt64 = 30
    /// Blocks up to here were synchronised when the power went.
    private static let confirmed: UInt64 = 16

    // MARK: power cuts

    /// At every byte of the log, with and without garbage behind it.
    @Test(arguments: [false, true]) func aCrashAtAnyByteLeadsToTheSameRoot(withGarbage: Bool) throws {
        let (file, ends) = try written()
        let database = try bytes(of: scratch.path + "/chain.db")
        var random = SystemRandomNumberGenerator()
        for cut in 0...file.count {
            var garbage =
                withGarbage
                ? (0..<Int.random(in: 1...90, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) } : []
            if withGarbage, cut < file.count { garbage[0] = ~file[cut] }  // else it may be the byte that is missing
            let whole = UInt64(ends.lastIndex { $0 <= cut } ?? 0)
            try put(database, into: scratch.path + "/chain.db")
            for name in try blockFiles(directory) { try FileManager.default.removeItem(atPath: directory + "/" + name) }
            try put(file.prefix(cut) + garbage, into: path)
            if cut < BlockSegment.headerSize, withGarbage, cut + garbage.count > BlockSegment.headerSize {
                // The head was synchronised before anything followed it.
                #expect(throws: StorageError.self) { try ToyNode(directory: scratch.path) }
            } else if (1..<Self.confirmed).contains(whole) {
                // Impossible but by damage: the state of block 16 was flushed after the log was synchronised.
                let error = #expect(throws: StorageError.self) { try ToyNode(directory: scratch.path) }
                #expect(error?.kind == .corrupt && error?.description.contains("had confirmed 16") == true)
                #expect(try BlockLog(directory: directory).heights == 1...whole)
            } else {
                var node = try ToyNode(directory: scratch.path)
                #expect(node.ledger.root == ToyLedger(height: max(whole, Self.confirmed)).root, "cut at \(cut)")
                for _ in 0..<3 { try node.extend() }
                #expect(node.ledger.root == ToyLedger(height: max(whole, Self.confirmed) + 3).root, "cut at \(cut)")
            }
        }
    }

    /// Pages are written in any order: what was not synchronised may be missing in the middle.
    @Test func lostSectorsOfTheUnsynchronisedEndCutItThere() throws {
        let (file, ends) = try written()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var lost = file
            var first = file.count
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let start = Int.random(in: ends[Int(Self.confirmed)]..<file.count, using: &random)
                let end = min(start + Int.random(in: 1...512, using: &random), file.count)
                if lost[start..<end].contains(where: { $0 != 0 }) { first = min(first, lost[start...].firstIndex { $0 != 0 }!) }
                for place in start..<end { lost[place] = 0 }
            }
            let whole = UInt64(ends.lastIndex { $0 <= first }!)
            try put(lost, into: path)
            let log = try BlockLog(directory: directory)
            #expect(log.heights == 1...whole)
            try log.append(height: whole + 1, record: ToyLedger.block(whole + 1))
            for height in 1...whole + 1 { #expect(try log.record(at: height) == ToyLedger.block(height)) }
        }
    }

    /// The same in what was synchronised is damage, and nothing is cut off.
    @Test func lostSectorsOfTheSynchronisedPartAreDamage() throws {
        let (file, ends) = try written()
        for height in 1...Int(Self.confirmed) {
            var lost = file
            for place in ends[height - 1]..<ends[height] { lost[place] = 0 }
            try put(lost, into: path)
            let error = #expect(throws: StorageError.self) { try BlockLog(directory: directory) }
            #expect(error?.kind == .corrupt)
            #expect(error?.description.hasSuffix("mv \(directory) \(directory).broken") == true)
            #expect(try bytes(of: path) == lost)
        }
    }

    @Test func aFileThatWasBeingMadeIsForgotten() throws {
        var random = SystemRandomNumberGenerator()
        for length in 0...BlockSegment.headerSize {
            let scratch = Scratch(inMemory: true)
            var log: BlockLog? = try BlockLog(directory: scratch.path, segmentSize: 300)
            for height in UInt64(1)...20 { try log!.append(height: height, record: ToyLedger.block(height)) }
            try log!.sync()
            log = nil
            let torn = (0..<length).map { _ in length % 2 == 0 ? 0 : UInt8.random(in: 0...255, using: &random) }
            try put(torn, into: scratch.path + "/00000000000000000021.blocks")
            log = try BlockLog(directory: scratch.path, segmentSize: 300)
            #expect(log!.heights == 1...20)
            for height in UInt64(21)...40 { try log!.append(height: height, record: ToyLedger.block(height)) }
            for height in UInt64(1)...40 { #expect(try log!.record(at: height) == ToyLedger.block(height)) }
        }
    }

    // MARK: damage

    /// Two bits of every byte of three files. Either it is said, or the end is cut off; what is read is what was written.
    @Test func noFlippedBitMakesAnotherBlock() throws {
        let log = try BlockLog(directory: directory, segmentSize: 500)
        for height in UInt64(1)...17 {
            try log.append(height: height, record: ToyLedger.block(height))
            if height.isMultiple(of: 3) { try log.sync() }
        }
        try log.sync()
        let files = try blockFiles(directory).map { ($0, try bytes(of: directory + "/" + $0)) }
        #expect(files.count >= 3)
        var (refused, cut) = (0, 0)
        for (name, whole) in files {
            for place in whole.indices {
                for bit in [UInt8(place % 8), UInt8((place + 3) % 8)] {
                    let copy = Scratch(inMemory: true)
                    for (other, bytes) in files where other != name { try put(bytes, into: copy.path + "/" + other) }
                    var flipped = whole
                    flipped[place] ^= 1 << bit
                    try put(flipped, into: copy.path + "/" + name)
                    do {
                        let log = try BlockLog(directory: copy.path, segmentSize: 500)
                        let heights = try #require(log.heights)
                        if heights != 1...17 { cut += 1 }
                        for height in heights { #expect(try log.record(at: height) == ToyLedger.block(height)) }
                    } catch let error as StorageError {
                        #expect(error.kind == .corrupt)
                        refused += 1
                    }
                }
            }
        }
        // Only what the last sync confirmed, with nothing behind it to tell, is cut in silence.
        #expect(cut > 0 && refused > 10 * cut, "\(refused) refused, \(cut) cut")
    }

    @Test func aMissingFileIsNamed() throws {
        var log: BlockLog? = try BlockLog(directory: directory, segmentSize: 300)
        for height in UInt64(1)...40 { try log!.append(height: height, record: ToyLedger.block(height)) }
        try log!.sync()
        log = nil
        let names = try blockFiles(directory)
        try FileManager.default.removeItem(atPath: directory + "/" + names[2])
        let error = #expect(throws: StorageError.self) { try BlockLog(directory: directory, segmentSize: 300) }
        #expect(error?.kind == .corrupt && error?.description.contains("are missing or changed") == true)
    }

    /// The end of another log, or an older use of these places of the disk, is as good as garbage.
    @Test func aStaleRecordNeverPasses() throws {
        let (file, ends) = try written()
        let other = Scratch(inMemory: true)
        let log = try BlockLog(directory: other.path)
        for height in UInt64(1)...Self.count { try log.append(height: height, record: ToyLedger.block(height)) }
        try log.sync()
        let stale = try bytes(of: other.path + "/" + blockFiles(other.path)[0])
        #expect(stale.count == file.count)
        for height in Int(Self.confirmed)..<Int(Self.count) {
            try put(file.prefix(ends[height]) + stale[ends[height]...], into: path)
            #expect(try BlockLog(directory: directory).heights == 1...UInt64(height))
        }
    }

    /// Somebody puts the records of a log into a transaction: a torn end full of them must not be taken for damage.
    @Test func recordsHiddenInABlockProveNothing() throws {
        let (hidden, _) = try written()
        let victim = Scratch(inMemory: true)
        var log: BlockLog? = try BlockLog(directory: victim.path)
        try log!.append(height: 1, record: [1])
        try log!.append(height: 2, record: hidden)
        try log!.sync()
        log = nil
        let name = victim.path + "/" + (try blockFiles(victim.path)[0])
        try put(bytes(of: name).dropLast(), into: name)
        #expect(try BlockLog(directory: victim.path).heights == 1...1)
    }

    // MARK: a real process

    @Test func aKilledNodeKeepsWhatItAcknowledgedAndTheSameRoot() throws {
        let scratch = Scratch()
        var acknowledged: UInt64 = 0
        for _ in 0..<50 {
            let writer = try Writer(["chain", scratch.path])
            guard let first = writer.line().flatMap({ UInt64($0) }) else {
                Issue.record("the writer does not write")
                return
            }
            #expect(first == acknowledged + 1)
            usleep(UInt32.random(in: 0...40_000))
            writer.kill()
            let told = writer.lines().compactMap { UInt64($0) }.last ?? first
            acknowledged = try ToyNode(directory: scratch.path, segmentSize: 4_096).ledger.height
            #expect(acknowledged == told || acknowledged == told + 1)
        }
        let node = try ToyNode(directory: scratch.path, segmentSize: 4_096)
        #expect(node.ledger.root == ToyLedger(height: acknowledged).root)
        #expect(try blockFiles(scratch.path + "/blocks").count > 1)
    }

    /// The log's file may not grow; the database's may not; nothing may.
    @Test(arguments: [1_400, 2_000, 0]) func whenThereIsNoRoomTheNodeWaitsAndGoesOn(limit: Int) throws {
        guard limit > 0 || getuid() == 0 else { return }  // mounting takes root
        let scratch = Scratch()
        let writer = try Writer(["chain-full", scratch.path, "\(limit)"], through: limit > 0 ? [] : fullDisk(scratch.path))
        let lines = writer.lines()
        try #require(lines.count == 3, "\(lines)")
        #expect(lines[0].hasPrefix("refused full "), "\(lines)")
        // A full disk is met by whichever of the two writes first, and SQLite has its own words.
        let words = limit == 1_400 ? [".blocks"] : limit == 2_000 ? ["chain.db"] : ["No space", "disk is full"]
        #expect(words.contains { lines[0].contains($0) }, "\(lines)")
        let acknowledged = try #require(UInt64(lines[1].split(separator: " ")[1]))
        #expect(acknowledged > 10 && lines[2] == "goes-on \(acknowledged + 40) true", "\(lines)")
        if limit > 0 {
            #expect(try ToyNode(directory: scratch.path, segmentSize: 4_096).ledger == ToyLedger(height: acknowledged + 40))
        }
    }

    /// The kernel drops what it could not write and says so once: whoever asks again hears that all is well.
    @Test func afterAFailedSyncNothingIsBelieved() throws {
        let log = try BlockLog(directory: directory)
        try log.append(height: 1, record: [1])
        try log.sync()
        let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap(Int32.init)
        let descriptor = try #require(
            links.first { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path })
        let null = open("/dev/null", O_RDWR)  // takes what is written, and cannot be synchronised
        dup2(null, descriptor)
        close(null)
        try log.append(height: 2, record: [2])
        let error = try #require(#expect(throws: StorageError.self) { try log.sync() })
        #expect(error.description.contains("blocks from height 2 on may not be on the disk: restart"))
        #expect(throws: error) { try log.sync() }
        #expect(throws: error) { try log.append(height: 3, record: [3]) }
        #expect(throws: error) { try log.truncate(after: 1) }
    }

    // MARK: -

    private var path: String { directory + "/00000000000000000001.blocks" }

    /// A node's disk after 30 blocks, of which 16 are flushed and confirmed; the log's bytes, and where each block ends.
    private func written() throws -> (file: [UInt8], ends: [Int]) {
        var node: ToyNode? = try ToyNode(directory: scratch.path)
        while node!.ledger.height < Self.count { try node!.extend(isSynchronised: false) }
        try node!.log.sync()
        node = nil
        var ends = [BlockSegment.headerSize]
        for height in 1...Self.count { ends.append(ends.last! + BlockSegment.recordOverhead + ToyLedger.block(height).count) }
        let file = try bytes(of: path)
        #expect(file.count == ends.last)
        return (file, ends)
    }
}
