import Charging
import Foundation
import Testing

@testable import Store

/// A delegate never signs two things for one step: what its disk knows of what it has signed.
@Suite struct ChainSigningTests {
    private let scratch = Scratch(inMemory: true)
    private var path: String { scratch.path + "/signing" }
    private static let slot = 4_096

    @Test func theLastStateIsFoundAgain() throws {
        #expect(try found() == nil)
        for number in 1...9 {
            try write(number)
            let past = try SigningFile(path, noted: nil).past
            #expect(past.state == state(number) && past.isWhole, "\(past.doubts)")
        }
        #expect(try SigningFile(path, noted: nil).sequence == 9)
    }

    @Test func aWriteChangesNoSize() throws {
        let file = try SigningFile(path, noted: nil)
        #expect(try bytes(of: path).count == 2 * Self.slot)
        for number in 1...5 { try file.write(state(number)) }
        #expect(try bytes(of: path).count == 2 * Self.slot)
        for size in [0, SigningFile.stateLimit + 1] {
            #expect(throws: StorageError.self) { try file.write([UInt8](repeating: 1, count: size)) }
        }
        try file.write([UInt8](repeating: 1, count: SigningFile.stateLimit))
    }

    /// At every byte of either slot.
    @Test(arguments: [4, 5]) func aTornWriteLeavesTheStateBeforeOrTheNewOne(number: Int) throws {
        for number in 1...number { try write(number) }
        let before = try bytes(of: path)
        try write(number + 1)
        let after = try bytes(of: path)
        let place = (number + 1) % 2 * Self.slot
        var (old, new) = (0, 0)
        for cut in 0...Self.slot {
            let torn = before[..<place] + after[place..<place + cut] + before[(place + cut)...]
            try put(torn, into: path)
            let past = try SigningFile(path, noted: nil).past
            #expect(past.state == state(number) || past.state == state(number + 1))
            if past.state == state(number) { old += 1 } else { new += 1 }
            // Between the two, it is not certain which was the last: nothing is signed until a later block is final.
            let isWhole = Array(torn) == before || Array(torn) == after
            #expect(past.isWhole == isWhole, "cut at \(cut)")
        }
        #expect(old > 100 && new > 100)
    }

    @Test func noFlippedBitMakesAnotherState() throws {
        for number in 1...4 { try write(number) }
        let whole = try bytes(of: path)
        for place in whole.indices {
            var flipped = whole
            flipped[place] ^= 1 << UInt8(place % 8)
            try put(flipped, into: path)
            let past = try SigningFile(path, noted: nil).past
            #expect(past.state == state(place < Self.slot ? 3 : 4) && !past.isWhole)
        }
    }

    @Test func whenNothingCanBeReadNothingIsSigned() throws {
        for number in 1...4 { try write(number) }
        for damaged in [[], [UInt8](repeating: 0xa5, count: 2 * Self.slot), [UInt8](repeating: 0, count: 2 * Self.slot)] {
            try put(damaged, into: path)
            let file = try SigningFile(path, noted: 4)
            #expect(file.past.state == nil && file.past.doubts == ["neither of its slots can be read"])
            try file.write(state(5))
            #expect(file.sequence == 5)
        }
        #expect(try found() == state(5))
    }

    // MARK: copies

    @Test func aCopyIsNotWholeUntilItHasSigned() throws {
        for number in 1...3 { try write(number) }
        let copy = scratch.path + "/copy"
        try put(bytes(of: path), into: copy)
        for _ in 0..<2 {  // also at the second start
            let past = try SigningFile(copy, noted: 3).past
            #expect(past.state == state(3) && !past.isWhole)
            #expect(past.doubts.contains { $0.hasPrefix("it was inode ") }, "\(past.doubts)")
        }
        try SigningFile(copy, noted: 3).write(state(4))
        let past = try SigningFile(copy, noted: 3).past
        #expect(past.state == state(4) && past.isWhole, "\(past.doubts)")
    }

    @Test func whatStaysTheSameFileIsWhole() throws {
        for number in 1...3 { try write(number) }
        rename(path, scratch.path + "/elsewhere")
        #expect(try SigningFile(scratch.path + "/elsewhere", noted: 3).past.isWhole)
    }

    @Test func anotherMachineOrFileSystemIsNoticed() throws {
        let machine = scratch.path + "/machine-id"
        try put(Array("5f9a\n".utf8), into: machine)
        try SigningFile(path, noted: nil, machineID: machine).write(state(1))
        #expect(try SigningFile(path, noted: nil, machineID: machine).past.isWhole)
        try put(Array("77b0\n".utf8), into: machine)
        #expect(try SigningFile(path, noted: nil, machineID: machine).past.doubts == ["it was written on another machine"])
        let elsewhere = Scratch()
        try put(bytes(of: path), into: elsewhere.path + "/signing")
        let doubts = try SigningFile(elsewhere.path + "/signing", noted: nil).past.doubts
        #expect(doubts.contains("it was written on another file system"), "\(doubts)")
    }

    /// In place the file stays the file: the database remembers how far it was.
    @Test func anOlderStateInTheSameFileIsNoticedByWhatTheDatabaseNoted() throws {
        for number in 1...3 { try write(number) }
        let old = try bytes(of: path)
        for number in 4...9 { try write(number) }
        try put(old, into: path)
        let file = try SigningFile(path, noted: 8)
        #expect(file.past.doubts == ["it is older than the chain's database, which knows of 5 more signatures"])
        try file.write(state(10))
        #expect(file.sequence == 9)
    }

    @Test func aMissingFileIsWholeOnlyIfThereNeverWasOne() throws {
        #expect(try SigningFile(path, noted: nil).past.isWhole)
        unlink(path)
        for _ in 0..<2 {
            #expect(try !SigningFile(path, noted: 7).past.isWhole)
        }
    }

    @Test func theOwnerCanSayThatItIsACopy() throws {
        try write(1)
        #expect(try SigningFile(path, noted: 1, isDeclaredCopy: true).past.doubts == ["the owner says that it was restored"])
    }

    // MARK: one process

    @Test func aSecondProcessIsRefused() throws {
        let first = try SigningFile(path, noted: nil)
        let error = #expect(throws: StorageError.self) { _ = try SigningFile(path, noted: nil) }
        #expect(error?.kind == .inUse)
        #expect(error?.description.hasSuffix("two that do lose its stake; end it: fuser -v \(path)") == true)
        try first.write(state(1))
    }

    @Test func aKilledDelegateHasOnDiskWhatItSaid() throws {
        let scratch = Scratch()
        var last: UInt64 = 0
        for _ in 0..<50 {
            let writer = try Writer(["sign", scratch.path])
            guard let first = writer.line().flatMap({ UInt64($0) }) else {
                Issue.record("the writer does not write")
                return
            }
            #expect(first == last + 1)
            usleep(UInt32.random(in: 0...10_000))
            writer.kill()
            let told = writer.lines().compactMap { UInt64($0) }.last ?? first
            let past = try SigningFile(scratch.path + "/signing", noted: told).past
            last = try #require(past.state).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
            #expect(past.isWhole && (last == told || last == told + 1), "\(past.doubts)")
        }
    }

    // MARK: -

    private func state(_ number: Int) -> [UInt8] {
        Array("state \(number) ".utf8) + [UInt8](repeating: UInt8(number), count: 300)
    }
    private func write(_ number: Int) throws { try SigningFile(path, noted: nil).write(state(number)) }
    private func found() throws -> [UInt8]? { try SigningFile(path, noted: nil).past.state }
}
