import HAL
import Logging
import MiningPool
import Monero
import Primitives
import ProofOfWork
import Stratum

/// Blocks: what is to be found, what was, and what members get of it.
extension PoolServer {
    /// Payouts on their way at a time: the station's account takes sixteen orders, and its owner gives some too.
    static let payoutsMax = 8

    func take(_ template: BlockTemplate) {
        let isNewBlock = template.previous != previous
        (current, previous) = (template, template.previous)
        (tally.height, tally.difficulty, tally.noWork) = (template.height, template.difficulty, nil)
        for number in miners.keys.sorted() {
            if isNewBlock {
                miners[number]?.session.expire()
                miners[number]?.given = [:]
            }
            pushJob(number)
        }
    }

    /// Members go on with what they have: what they find may still count when monerod is back.
    func lose(_ why: String) {
        if tally.noWork != why { logger.warning("mining pool: \(why)") }
        (current, tally.noWork) = (nil, why)
    }

    /// Whose the block is is on disk before monerod has it; one that it does not take is nobody's.
    func handIn(_ given: Given, nonce: UInt32) async {
        let template = given.template
        let id = template.id(extraNonce: given.extraNonce, nonce: nonce)
        // While monerod is away nobody knows of a later block.
        guard template.previous == previous,
            let block = books.found(
                .init(block: id, height: template.height, reward: template.reward, difficulty: template.difficulty))
        else { return }
        guard await commit() else { return books.settle(block.number, .orphaned) }
        unsent[block.number] = template.block(extraNonce: given.extraNonce, nonce: nonce)
        await send(block)
        templates.hurry()
    }

    /// Until monerod has answered: it may be just starting again.
    private func send(_ block: PoolBlock) async {
        let claim = block.statement.claim
        guard let bytes = unsent.removeValue(forKey: block.number) else { return }
        do throws(MoneroError) {
            try await node.submit(bytes)
            tally.blocks += 1
            logger.notice("mining pool: block \(claim.block) of height \(claim.height) was found; statement \(claim.number)")
        } catch {
            logger.error("mining pool: block \(claim.block) was found and not taken: \(error)")
            if case .refused = error { books.settle(block.number, .orphaned) } else { unsent[block.number] = bytes }
        }
    }

    // MARK: Care

    func care() async {
        while true {
            for block in books.openBlocks { await send(block) }
            await confirm()
            await payOut()
            do { try await clocks.sleep(Self.careInterval) } catch { return }  // cancelled
        }
    }

    /// Decides about each block when so many stand above its height: before, the chain could turn either way.
    private func confirm() async {
        do throws(MoneroError) {
            guard let top = books.openBlocks.isEmpty ? nil : try await node.lastHeader() else { return }
            for block in books.openBlocks {
                let claim = block.statement.claim
                guard top.height >= claim.height.saturatingAdd(settings.terms.confirmations) else { continue }
                let header = try await node.header(of: claim.block)
                let isThere = header.map { !$0.isOrphan } ?? false
                books.settle(block.number, isThere ? .confirmed : .orphaned)
                unsent[block.number] = nil
                logger.notice(
                    "mining pool: block \(claim.block) \(isThere ? "is confirmed" : "is not in Monero's chain"); statement \(block.number)"
                )
            }
        } catch { if tally.noWork == nil { logger.warning("mining pool: \(error)") } }
    }

    /// On disk before it is ordered; ordered again under the same name until its end is known.
    private func payOut() async {
        _ = books.makePayouts(limit: Self.payoutsMax)
        guard await commit() else { return }
        var trouble: String?
        for payout in books.openPayouts where payout.state == .open {
            do {
                note(try await pay(payout.member, payout.amount, payout.orderID(of: key.publicKey)), of: payout)
            } catch {
                // Another, smaller one may go.
                trouble = trouble ?? "nothing is paid to a member who has \(payout.amount) QLC to get: \(error)"
            }
        }
        if let trouble, trouble != tally.payTrouble { logger.warning("mining pool: \(trouble)") }
        tally.payTrouble = trouble
    }

    private func note(_ outcome: PayoutOutcome, of payout: PoolPayout) {
        switch outcome {
        case .open: break
        case .done: books.paid(payout.number)
        case .failed(let why):
            logger.warning("mining pool: payout \(payout.number) was not carried out, and is ordered anew: \(why)")
            _ = books.failed(payout.number)
        case .unknown:
            logger.error("mining pool: whether payout \(payout.number) was paid is not known: look at the chain")
            books.lost(payout.number)
        }
    }
}
