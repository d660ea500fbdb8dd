import BoundedJSON
import ChainAPI
import Ledger
import Node
import Primitives
import Testing
import ToyLedger

/// Sealed visits, page by page.
@Suite struct VisitPagesTests {
    /// The heights and places of all commitments, as whoever follows `next` finds them.
    private static func all(
        _ chain: SmallChain, from height: UInt64? = nil, limit: Int
    ) async throws -> (found: [[JSONValue?]], pages: Int) {
        var params: [String: JSONValue] = ["limit": .integer(Int128(limit))]
        if let height { params["height"] = .integer(Int128(height)) }
        var (found, pages): ([[JSONValue?]], Int) = ([], 0)
        while pages < 100 {
            let page = try await chain.result("chain.visits", params)
            pages += 1
            let commitments = page["commitments"]?.list ?? []
            #expect(commitments.count <= limit)
            found += commitments.map { [$0["height"], $0["index"], $0["id"]] }
            guard let next = page["next"] else { break }
            (params["height"], params["index"]) = (next["height"], next["index"])
        }
        return (found, pages)
    }

    private static func commit(_ chain: SmallChain, _ count: Int, visits: Int = 1) async throws {
        for number in 0..<count {
            let visit = SealedVisit([UInt8](repeating: UInt8(number), count: 1_000))
            let usage = CommitUsage(
                asset: chain.asset, usageRoot: chain.content, records: 1, visits: Array(repeating: visit, count: visits))
            // Of one account 16 may wait; the others' are refused by the ledger, and in the block all the same.
            try await chain.source.offer(.commitUsage(usage), by: number < 15 ? 4 : 5)
        }
        repeat { try await chain.makeBlock() } while await chain.source.pool.count > 0
    }

    @Test(arguments: [1, 2, 3, 32]) func pagesFollowEachOtherWithoutGapOrRepeat(_ limit: Int) async throws {
        let chain = try await SmallChain()
        try await Self.commit(chain, 5)
        try await Self.commit(chain, 2)
        try await chain.makeBlock()
        let (found, _) = try await Self.all(chain, limit: limit)
        #expect(found.count == 8 && Set(found).count == 8)
        #expect(found.map { $0[0] } == [2, 4, 4, 4, 4, 4, 5, 5].map { .integer($0) })
        #expect(try await Self.all(chain, from: 5, limit: limit).found.count == 2)
        #expect(try await Self.all(chain, from: 99, limit: limit).found.isEmpty)
    }

    /// The whole transaction comes along: whoever asked checks its signature and its name.
    @Test func aCommitmentIsHandedOutAsItWasSigned() async throws {
        let chain = try await SmallChain()
        let page = try await chain.result("chain.visits")
        let given = try #require(page["commitments"]?.list.first)
        let checked = try CheckedTransaction(try #require(given["transaction"]?.unhexed), on: chain.source.genesis.chainID)
        #expect(given["id"] == .id(checked.id) && given["asset"] == .id(chain.asset) && given["visits"] == .integer(1))
        #expect(page["from_height"] == .integer(1) && page["to_height"] == page["head_height"] && page["next"] == nil)
    }

    @Test func whatIsNotKeptIsPassedOver() async throws {
        let chain = try await SmallChain()
        try await Self.commit(chain, 1)
        await chain.source.forgetBlocks(before: 3)
        let page = try await chain.result("chain.visits", ["height": .integer(1), "index": .integer(7)])
        #expect(page["from_height"] == .integer(3) && page["commitments"]?.list.map { $0["height"] } == [.integer(4)])
        await chain.source.forgetBlocks(before: 99)
        let none = try await chain.result("chain.visits")
        #expect(none["commitments"] == .list([]) && none["next"] == nil && none["from_height"] == .integer(5))
    }

    /// A call reads so many blocks and hands out so many bytes, however many there are.
    @Test func thePageIsBoundedInBlocksAndBytes() async throws {
        let chain = try await SmallChain()
        for _ in 0..<300 { try await chain.makeBlock() }
        let (found, pages) = try await Self.all(chain, limit: 32)
        #expect(found.count == 1 && pages == 3)
        try await Self.commit(chain, 30, visits: 60)
        let first = try await chain.answer("chain.visits", ["height": .integer(303)])
        #expect(first.bytes.count < 4 << 20 && (first["result"]?["commitments"]?.list.count ?? 0) > 10)
        #expect(try await Self.all(chain, from: 303, limit: 32).found.count == 30)
    }
}
