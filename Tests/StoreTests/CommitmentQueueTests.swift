import Charging
import Foundation
import Primitives
import Store
import Testing

/// Usage records on their way to the chain, through restarts at every point.
@Suite struct CommitmentQueueTests {
    let scratch = Scratch()
    private static let key = OpeningKey(of: stationKey).sealingKey

    /// One life of the store: opened, used, closed.
    private func life<T: Sendable>(_ body: @Sendable (StationStore) async throws -> T) async throws -> T {
        try await body(scratch.open())
    }

    private func sessions(_ all: [UncommittedUsage]) -> [UInt64] { all.map(\.record.claim.session.low) }

    @Test func recordsAreTakenOnceInTheOrderOfTheirEnd() async throws {
        // The second ended before the first by the clock, which was set meanwhile.
        try await life {
            try await $0.commit([
                .ended(record(1, endedAt: 100), visitKey: nil), .ended(record(2, endedAt: 50), visitKey: Self.key),
            ])
            try await $0.commit([.ended(record(3, endedAt: 100), visitKey: nil)])
        }
        #expect(try await life { try await $0.underway() }.isEmpty)
        let taken = try await life { try await $0.take(2) }
        #expect(sessions(taken) == [1, 2] && taken.map(\.visitKey) == [nil, Self.key])
        #expect(taken.allSatisfy { $0.record.verified(by: stationKey.publicKey) != nil })
        #expect(try await life { try await $0.underway() } == taken, "the same after a restart")
        #expect(try await life { try await $0.waiting(at: 5) }.count == 1)
        try await life { try await $0.committed() }
        #expect(try await life { try await $0.underway() }.isEmpty)
        #expect(sessions(try await life { try await $0.take(9) }) == [3])
        try await life { try await $0.committed() }
        #expect(try await life { try await $0.take(9) }.isEmpty)
        #expect(try await life { try await $0.usage(of: SessionID(1)) } != nil, "the records themselves stay")
    }

    @Test func whatIsCommittedIsProved() async throws {
        let store = try scratch.open()
        try await store.commit((1...5).map { .ended(record($0, endedAt: 100), visitKey: nil) })
        let first = try await store.take(3)
        #expect(try await store.proof(of: SessionID(2)) == UsageProof(first[1].record), "it is on its way and no more")
        try await store.committed()
        let second = try await store.take(9)
        try await store.committed()
        for (all, root) in [first, second].map({ ($0, MerkleTree.root($0.map(\.record.canonicalBytes))) }) {
            for usage in all {
                var proof = try #require(try await store.proof(of: usage.record.claim.session))
                #expect(proof.isConsistent && proof.record == usage.record && proof.commitment?.usageRoot == root)
                let copy = try JSONDecoder().decode(UsageProof.self, from: JSONEncoder().encode(proof))
                #expect(copy == proof)
                proof.commitment?.index += 1
                #expect(!proof.isConsistent)
            }
        }
        #expect(try await store.proof(of: SessionID(9)) == nil)
    }

    /// A session whose end is told again after a crash is not committed again.
    @Test func anEndToldAgainIsNotQueuedAgain() async throws {
        let store = try scratch.open()
        try await store.commit([.ended(record(1, endedAt: 100), visitKey: Self.key)])
        try await store.commit([.ended(record(1, endedAt: 200), visitKey: Self.key)])
        #expect(try await store.take(9).count == 1)
        try await store.committed()
        try await store.commit([.ended(record(1, endedAt: 300), visitKey: Self.key)])
        #expect(try await store.take(9).isEmpty)
    }

    /// How many, and since when.
    private func waiting(at time: UInt64) async throws -> [UInt64] {
        let (count, since) = try await life { try await $0.waiting(at: time) }
        return [UInt64(count), since]
    }

    @Test func howLongTheyWaitOutlivesARestart() async throws {
        try await life { try await $0.commit([.ended(record(1, endedAt: 100), visitKey: nil)]) }
        #expect(try await waiting(at: 1_000) == [1, 1_000])
        try await life { try await $0.commit([.ended(record(2, endedAt: 100), visitKey: nil)]) }
        #expect(try await waiting(at: 2_000) == [2, 1_000])
        _ = try await life { try await $0.take(1) }
        #expect(try await waiting(at: 3_000) == [1, 2_000])
        try await life { try await $0.committed() }
        _ = try await life { try await $0.take(1) }
        #expect(try await waiting(at: 4_000) == [0, 4_000])
    }

    /// Nothing is written where nothing is new.
    @Test func askingWearsNoFlash() async throws {
        let store = try scratch.open()
        try await store.commit([.ended(record(1, endedAt: 100), visitKey: nil)])
        _ = try await store.waiting(at: 1)
        let before = await store.activity().commits
        for time in 2..<50 { _ = try await store.waiting(at: UInt64(time)) }
        #expect(await store.activity().commits == before)
    }

    @Test func whatCannotBeReadKeepsNothingBack() async throws {
        try await life { store in
            try await store.commit((1...3).map { .ended(record($0, endedAt: 100), visitKey: nil) })
        }
        try Raw.run("UPDATE usage_records SET record = x'00' WHERE session = '\(SessionID(1))'", on: scratch.database)
        #expect(sessions(try await life { try await $0.take(2) }) == [2])
        try await life { try await $0.committed() }
        #expect(sessions(try await life { try await $0.take(2) }) == [3])
        // Under way it must stay what it is: another root would be another commitment.
        try Raw.run("UPDATE usage_records SET record = x'00' WHERE session = '\(SessionID(3))'", on: scratch.database)
        await #expect(throws: StorageError.self) { try await scratch.open().underway() }
    }
}
