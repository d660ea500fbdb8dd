import HAL
import Logging
import Mining
import MiningPool
import MoneroLab
import Primitives
import ProofOfWork
import Store
import Stratum
import Synchronization
import Testing

/// The pool of base stations over a real monerod; members hash with the shipped program, shares are checked by it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OwnPoolTests {
    private static let members = (1...3).map { PrivateKey(seed: Array(repeating: UInt8($0), count: 32))!.publicKey }

    /// What the chain was told to pay.
    private final class Payer: Sendable {
        let paid = Mutex<[Bytes32: (PublicKey, QLC)]>([:])
        func pay(_ member: PublicKey, _ amount: QLC, _ id: Bytes32) -> PayoutOutcome {
            paid.withLock { paid in
                defer { paid[id] = (member, amount) }
                return paid[id] == nil ? .open : .done
            }
        }
        func sum(of member: PublicKey) -> QLC {
            paid.withLock { $0.values.reduce(.zero) { $1.0 == member ? $0 + $1.1 : $0 } }
        }
    }

    /// What members hold of the pool's words.
    private final class Held: Sendable {
        let memberships = Mutex<[PublicKey: PoolMembership]>([:])
        func note(_ event: JobSourceEvent) {
            if case .membership(let membership) = event { memberships.withLock { $0[membership.member] = membership } }
        }
    }

    /// The whole way, from members' hashes to their money: blocks on Monero's chain, split to the last unit, paid once, over a restart.
    @Test func threeMembersMineBlocksAndShareThemToTheLastUnit() async throws {
        let payer = Payer()
        let lab = try await PoolLab(difficulty: 60) { payer.pay($0, $1, $2) }
        let before = try await lab.monero.height()
        let held = Held()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for member in Self.members {
                group.addTask { await mine(at: lab.address, lab.login(member)) { held.note($0) } }
            }
            defer { group.cancelAll() }
            try await lab.wait(for: "payments to all three, and their looks at it") { status in
                let audits = held.memberships.withLock { $0.values.count { $0.audited > 0 } }
                return status.statements >= 4 && status.members.count { $0.account.paid > .zero } == 3 && audits > 0
            }
        }
        await lab.stop()
        #expect(try await lab.monero.height() > before)
        // Each has looked at its own line of a block, and found it in order.
        let members = held.memberships.withLock { $0 }
        #expect(members.count == 3 && members.values.allSatisfy { $0.pool == PoolLab.key.publicKey && $0.receipt != nil })
        let stopped = await lab.server.status()
        try await expectExact(lab, stopped, payer)

        // Nothing but what is on disk: the same work, and what was open goes on to its end.
        try await lab.restart()
        let again = await lab.server.status()
        #expect(again.members.map(\.account.work) == stopped.members.map(\.account.work))
        #expect(again.members.map(\.account.shares) == stopped.members.map(\.account.shares))
        #expect(again.statements == stopped.statements)
        try await lab.wait(for: "the payouts that were open") {
            $0.payouts.isEmpty && $0.members.allSatisfy { $0.account.balance == .zero }
        }
        await lab.stop()
        try await expectExact(lab, await lab.server.status(), payer)
    }

    /// Of a pool that stands still.
    private func expectExact(_ lab: PoolLab, _ status: PoolStatus, _ payer: Payer) async throws {
        var (owed, confirmed) = ([PublicKey: QLC](), 0)
        var previous = Bytes32.zero
        for number in 1...status.statements {
            let block = try #require(try await lab.store.poolBlock(number))
            let claim = try #require(block.statement.verified(by: PoolLab.key.publicKey)).value
            #expect(claim.previous == previous && claim.number == number)
            previous = claim.digest
            #expect(block.lines.reduce(QLC.zero) { $0 + $1.amount } + claim.fee == claim.gross)
            #expect(block.lines.reduce(UInt64(0)) { $0 + $1.windowWork } == claim.sums.work)
            #expect(claim.gross == lab.terms.worth(of: claim.reward) && claim.fee == lab.terms.fee(of: claim.gross))
            for line in block.lines { try block.proof(for: line.member)?.check(by: PoolLab.key.publicKey, for: line.member) }
            let header = try await lab.monero.node.header(of: claim.block)
            switch block.state {
            case .confirmed:
                confirmed += 1
                #expect(header?.isOrphan == false && header?.height == claim.height && header?.reward == claim.reward)
                for line in block.lines { owed[line.member, default: .zero] += line.amount }
            case .orphaned: #expect(header?.isOrphan != false)
            case .open: break
            }
        }
        #expect(confirmed >= 1)
        for member in status.members.map(\.account) {
            #expect(member.balance + member.paid == owed[member.member] ?? .zero)
            // One that is open may have been ordered, or not yet.
            let open = status.payouts.reduce(QLC.zero) { $1.member == member.member ? $0 + $1.amount : $0 }
            let paid = payer.sum(of: member.member)
            #expect(paid <= member.paid && paid + open >= member.paid)
        }
    }
}
