import Charging
import Primitives
import Settlement

/// A station with its disk and its vouchers; after `restart` it is the same one later.
struct Desk {
    let chain: LedgerChain
    let store = MemoryStore()
    let purse = Purse()
    let restaking: RestakePolicy
    private(set) var settler: Settler

    init(_ chain: LedgerChain, restaking: RestakePolicy = RestakePolicy()) async {
        (self.chain, self.restaking) = (chain, restaking)
        settler = Self.settler(chain, store, purse, restaking)
        await settler.look()  // the first look tells where the chain is
    }

    /// One that has seen that the node is with the chain.
    static func current(_ chain: LedgerChain, restaking: RestakePolicy = RestakePolicy()) async -> Desk {
        let desk = await Desk(chain, restaking: restaking)
        await desk.settler.look()
        return desk
    }

    private static func settler(
        _ chain: LedgerChain, _ store: MemoryStore, _ purse: Purse, _ restaking: RestakePolicy
    ) -> Settler {
        Settler(
            key: chain.keys[LedgerChain.station], chain: chain, store: store, held: { await purse.all },
            listing: { await purse.listing }, restaking: restaking, logger: quiet)
    }

    mutating func restart() async {
        settler = Self.settler(chain, store, purse, restaking)
        await settler.look()
    }

    /// Looks and blocks in turn.
    func goOn(_ blocks: Int = 1, every milliseconds: UInt64 = 2_000) async throws {
        for _ in 0..<blocks {
            await settler.look()
            try await chain.makeBlock(after: milliseconds)
        }
        await settler.look()
    }

    /// What became of an order, without further blocks.
    func end(of id: OwnerOrder.ID) async throws -> OwnerOrder? {
        for _ in 0..<2 where try await settler.order(id)?.isOpen == true { await settler.look() }
        return try await settler.order(id)
    }
}
