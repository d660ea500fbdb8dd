import Charging
import Foundation
import Primitives
import Testing
import ToyChain

@testable import Store

/// What the block log promises while the disk keeps its word.
@Suite struct ChainLogTests {
    private let scratch = Scratch(inMemory: true)
    private var directory: String { scratch.path + "/blocks" }

    @Test(arguments: [200, 1_000, BlockLog.segmentSize]) func everyBlockIsReadBackAsItWasAppended(segmentSize: Int) throws {
        var log: BlockLog? = try BlockLog(directory: directory, segmentSize: segmentSize)
        for height in UInt64(1)...100 { try log!.append(height: height, record: ToyLedger.block(height)) }
        try expect(log!, 1...100)
        try log!.sync()
        try expect(log!, 1...100)
        log = nil
        try expect(BlockLog(directory: directory, segmentSize: segmentSize), 1...100)
    }

    @Test func aBlockTakesNoWriteBeforeItIsSynchronised() throws {
        let log = try BlockLog(directory: directory)
        try log.append(height: 1, record: [1, 2, 3])
        #expect(try size(0) == BlockSegment.headerSize)
        try log.sync()
        #expect(try size(0) == BlockSegment.headerSize + BlockSegment.recordOverhead + 3)
    }

    @Test func whatWaitsInMemoryIsBounded() throws {
        let log = try BlockLog(directory: directory)
        let block = [UInt8](repeating: 7, count: 100_000)
        for height in UInt64(1)...30 { try log.append(height: height, record: block) }
        #expect(try size(0) > 2_700_000)
        try log.append(height: 31, record: [UInt8](repeating: 9, count: BlockLog.recordLimit))
        #expect(try log.record(at: 31)?.count == BlockLog.recordLimit)
        try log.append(height: 32, record: [])
        #expect(try log.record(at: 32) == [])
        #expect(try files().count == 2)
    }

    @Test func onlyTheNextBlockIsTaken() throws {
        let log = try BlockLog(directory: directory)
        try log.append(height: 7, record: [1])
        for (height, count) in [(7, 1), (6, 1), (9, 1), (UInt64.max, 1), (8, BlockLog.recordLimit + 1)] as [(UInt64, Int)] {
            let error = #expect(throws: StorageError.self) {
                try log.append(height: height, record: [UInt8](repeating: 0, count: count))
            }
            #expect(error?.description.contains("block \(height) of \(count) bytes") == true)
        }
        try log.append(height: 8, record: [2])
        #expect(log.heights == 7...8)
        #expect(try log.record(at: 6) == nil && log.record(at: 9) == nil)
    }

    @Test func pruningGivesWholeFilesBackAndKeepsWhatIsAsked() throws {
        var log: BlockLog? = try BlockLog(directory: directory, segmentSize: 1_000)
        for height in UInt64(1)...200 { try log!.append(height: height, record: ToyLedger.block(height)) }
        let before = try files().count
        try log!.prune(keepingFrom: 150)
        let first = try #require(log!.heights).lowerBound
        #expect(first <= 150 && first > 130)
        #expect(try files().count < before / 2)
        try log!.prune(keepingFrom: 1_000)
        #expect(try files().count == 1)
        let kept = try #require(log!.heights)
        try expect(log!, kept)
        try log!.sync()
        log = nil
        try expect(BlockLog(directory: directory, segmentSize: 1_000), kept)
    }

    @Test(arguments: [0, 1, 25, 99, 100, 101, 199, 200] as [UInt64]) func theLogGoesOnWhereItWasCut(height: UInt64) throws {
        var log: BlockLog? = try BlockLog(directory: directory, segmentSize: 1_000)
        for height in UInt64(1)...200 {
            try log!.append(height: height, record: ToyLedger.block(height))
            if height == 150 { try log!.sync() }
        }
        _ = try log!.record(at: 30)  // known from then on
        try log!.truncate(after: height)
        #expect(log!.heights == (height == 0 ? nil : 1...height))
        for next in height + 1...height + 100 { try log!.append(height: next, record: [UInt8(truncatingIfNeeded: next)]) }
        try log!.sync()
        log = nil
        log = try BlockLog(directory: directory, segmentSize: 1_000)
        #expect(log!.heights == 1...height + 100)
        for next in 1...height + 100 {
            #expect(try log!.record(at: next) == (next <= height ? ToyLedger.block(next) : [UInt8(truncatingIfNeeded: next)]))
        }
    }

    /// Of a full disk too: what waits in memory is not written first.
    @Test func cuttingWhatWaitsInMemoryWritesNothing() throws {
        let log = try BlockLog(directory: directory)
        for height in UInt64(1)...9 { try log.append(height: height, record: ToyLedger.block(height)) }
        try log.truncate(after: 5)
        #expect(log.heights == 1...5)
        #expect(try size(0) == BlockSegment.headerSize)
        try log.append(height: 6, record: [6])
        try log.sync()
        for height in UInt64(1)...5 { #expect(try log.record(at: height) == ToyLedger.block(height)) }
        #expect(try log.record(at: 6) == [6])
    }

    @Test func afterASnapshotItBeginsAtAnyHeight() throws {
        var log: BlockLog? = try BlockLog(directory: directory)
        for height in UInt64(1)...20 { try log!.append(height: height, record: [1]) }
        try log!.sync()
        try log!.truncate(after: 0)
        #expect(try files().isEmpty)
        try log!.append(height: 58_001, record: [2])
        try log!.sync()
        log = nil
        #expect(try BlockLog(directory: directory, flushed: 58_000).heights == 58_001...58_001)
    }

    @Test func aSecondProcessIsKeptOut() throws {
        let log = try BlockLog(directory: directory)
        let error = #expect(throws: StorageError.self) { try BlockLog(directory: directory) }
        #expect(error?.kind == .inUse && error?.description.contains("process \(getpid())") == true)
        try log.sync()
    }

    private func expect(_ log: BlockLog, _ heights: ClosedRange<UInt64>) throws {
        #expect(log.heights == heights)
        for height in heights { #expect(try log.record(at: height) == ToyLedger.block(height)) }
    }

    private func files() throws -> [String] { try blockFiles(directory) }
    private func size(_ index: Int) throws -> Int { try bytes(of: directory + "/" + files()[index]).count }
}

/// The log's files, oldest first.
func blockFiles(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".blocks") }.sorted()
}

func bytes(of path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

/// In place: the file stays the one it was.
func put(_ bytes: some Collection<UInt8>, into path: String) throws {
    let file = try OpenFile(path, O_RDWR | O_CREAT)
    try file.truncate(to: bytes.count)
    try file.write(Array(bytes), at: 0)
}
