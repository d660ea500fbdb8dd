import Consensus
import Ledger
import Primitives
import Testing

/// Snapshots: the same for everybody, and nothing else passes for them.
@Suite struct SnapshotTests {
    /// Of about 12,000 entries: three chunks.
    private static let state: LedgerState? = {
        let keys = (1...12_000 as ClosedRange<UInt64>).map { PublicKey(number: $0) }
        let delegate = PrivateKey(seed: [UInt8](repeating: 1, count: 32))!.publicKey
        let stake = QLC(units: 1_000_000 * QLC.unitsPerQLC)
        let each = (QLC.supply.units - stake.units) / UInt64(keys.count)
        let rest = QLC.supply.units - stake.units - each * UInt64(keys.count - 1)
        let allocations = keys.enumerated().map { Genesis.Allocation($1, QLC(units: $0 == 0 ? rest : each)) }
        return try? Genesis(
            name: "test", time: 1_800_000_000_000, allocations: allocations,
            delegates: [Genesis.FirstDelegate(delegate, stake: stake)]
        ).state()
    }()

    private static func entries(_ state: LedgerState) -> [(path: Bytes32, key: StateKey, entry: StateEntry)] {
        state.all.map { ($0.key.path, $0.key, $0.value) }.sorted { $0.path < $1.path }
    }

    private static func made() throws -> (chunks: [[UInt8]], manifest: SnapshotManifest) {
        let state = try #require(Self.state)
        var builder = SnapshotBuilder(height: 9, state.tree)
        var chunks: [[UInt8]] = []
        for (_, key, entry) in entries(state) { if let chunk = try builder.add(key, entry) { chunks.append(chunk) } }
        let (last, manifest) = try builder.finish()
        return (chunks + [last], manifest)
    }

    @Test func whatIsCutIsPutTogetherAgain() throws {
        let (chunks, manifest) = try Self.made()
        #expect(chunks.count == 3 && manifest.chunks.count == 3)
        #expect(chunks.allSatisfy { $0.count <= SnapshotChunk.bytesLimit })
        #expect(chunks.dropLast().allSatisfy { $0.count > SnapshotChunk.bytesLimit * 9 / 10 })
        #expect(manifest.bytes == UInt64(chunks.reduce(0) { $0 + $1.count }))
        var reader = SnapshotReader(manifest)
        var found: [StateKey: StateEntry] = [:]
        for chunk in chunks {
            #expect(!reader.isComplete)
            try reader.take(chunk)
            for entry in try SnapshotChunk(canonicalBytes: chunk).entries { found[entry.key] = entry.entry }
        }
        #expect(reader.isComplete)
        #expect(found == Self.state?.all)
        #expect(try SnapshotManifest(canonicalBytes: manifest.canonicalBytes) == manifest)
        #expect(throws: SnapshotError.otherBytes(chunk: 3)) { try reader.take(chunks[0]) }
    }

    enum Fault: CaseIterable {
        case changed, missingFirst, missingInside, missingLast, added, swapped, doubled, otherProof, empty, trailing
    }

    /// At the chunk that has it, also when the manifest names the false bytes.
    @Test(arguments: Fault.allCases, [0, 1, 2]) func aFaultIsFoundInItsChunk(fault: Fault, place: Int) throws {
        var (chunks, manifest) = try Self.made()
        var chunk = try SnapshotChunk(canonicalBytes: chunks[place])
        switch fault {
        case .changed: chunk.entries[5].entry = .account(Account(balance: QLC(units: 1)))
        case .missingFirst: chunk.entries.removeFirst()
        case .missingInside: chunk.entries.remove(at: 7)
        case .missingLast: chunk.entries.removeLast()
        case .added:
            let last = try #require(chunk.entries.last).key.path
            let more = (20_000...30_000 as ClosedRange<UInt64>).lazy.map { PublicKey(number: $0) }.map { StateKey.account($0) }
            let key = try #require(more.first { $0.path < last && $0.path > chunk.entries[0].key.path })
            let index = try #require(chunk.entries.firstIndex { $0.key.path > key.path })
            chunk.entries.insert(SnapshotChunk.Entry(key, .account(Account(balance: .zero))), at: index)
        case .swapped: chunk.entries.swapAt(3, 4)
        case .doubled: chunk.entries.insert(chunk.entries[3], at: 3)
        case .otherProof: chunk.proof = try #require(Self.state).tree.proof(of: chunk.entries[0].key.path)
        case .empty: chunk.entries = []
        case .trailing: break
        }
        let forged = chunk.canonicalBytes + (fault == .trailing ? [0] : [])
        var reader = SnapshotReader(manifest)
        for chunk in chunks[..<place] { try reader.take(chunk) }
        #expect(throws: SnapshotError.otherBytes(chunk: place)) { try reader.take(forged) }
        chunks[place] = forged
        manifest.chunks[place] = SnapshotManifest.hash(of: forged)
        manifest.bytes = UInt64(chunks.reduce(0) { $0 + $1.count })
        reader = SnapshotReader(manifest)
        for chunk in chunks[..<place] { try reader.take(chunk) }
        let error = #expect(throws: SnapshotError.self) { try reader.take(forged) }
        #expect(error?.isOfManifest == true && reader.next == place && !reader.isComplete)
    }

    /// It ends where the state does.
    @Test(arguments: [-1, 1]) func chunksWithoutEndAndTooFewAreRefused(more: Int) throws {
        var (chunks, manifest) = try Self.made()
        if more > 0 { manifest.chunks.append(manifest.chunks[0]) } else { manifest.chunks.removeLast() }
        chunks = Array(chunks.prefix(manifest.chunks.count))
        var reader = SnapshotReader(manifest)
        #expect(throws: SnapshotError.otherLength(chunks: 3 + more, bytes: manifest.bytes)) {
            for chunk in chunks { try reader.take(chunk) }
            throw SnapshotError.otherLength(chunks: reader.isComplete ? 0 : 3 + more, bytes: manifest.bytes)
        }
        #expect(!reader.isComplete)
    }

    @Test func whatIsNotTheStateIsNotOffered() throws {
        let state = try #require(Self.state)
        var builder = SnapshotBuilder(height: 9, state.tree)
        for (_, key, entry) in Self.entries(state).dropLast() { _ = try builder.add(key, entry) }
        #expect(throws: LedgerProofError.self) { try builder.finish() }
        #expect(throws: LedgerProofError.self) {
            let first = Self.entries(state)[0]
            _ = try builder.add(first.key, first.entry)
        }
    }

    @Test func aManifestIsBounded() throws {
        let (_, manifest) = try Self.made()
        var large = manifest
        large.chunks = Array(repeating: .zero, count: SnapshotManifest.chunkLimit + 1)
        #expect(throws: CanonicalError.self) { try large.encoded() }
        large = manifest
        large.bytes = UInt64(3 * SnapshotChunk.bytesLimit + 1)
        #expect(throws: CanonicalError.self) { try large.encoded() }
        large.chunks = []
        #expect(throws: CanonicalError.self) { try SnapshotManifest(canonicalBytes: [UInt8](repeating: 0, count: 52)) }
    }
}

extension PublicKey {
    /// Of nobody.
    fileprivate init(number: UInt64) { self.init(raw: Bytes32(words: (number &* 0x9e37_79b9_7f4a_7c15, number, 0, 0))) }
}
