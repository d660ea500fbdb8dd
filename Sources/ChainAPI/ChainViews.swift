import BoundedJSON
import Chain
import Consensus
import Ledger
import Node
import Primitives

/// What the ledger holds, as the API writes it. Keys are addresses of one network.
struct ChainViews: Sendable {
    let network: Address.Network

    init(_ genesis: Genesis) { network = Address.Network(ofChain: genesis.name) }

    func address(_ key: PublicKey) -> JSONValue { .text(Address(key, on: network).description) }

    // MARK: The node

    func status(_ now: ChainMoment, _ genesis: Genesis) -> JSONValue {
        let head = now.state.head
        return .fields([
            "chain_id": .id(now.state.chainID), "name": .text(genesis.name), "height": .count(head.height),
            "block_id": .id(head.block), "finalized_at": .time(head.time), "state_root": .id(now.state.root),
            "epoch": .count(now.state.epoch.number), "peers": .count(now.peerHeights.count),
            "claimed_height": .count(now.claimedHeight), "syncing": .bool(now.claimedHeight > head.height + 1),
            "waiting_transactions": .count(now.pool.count), "waiting_bytes": .count(now.pool.bytes),
            "silent_because": now.silence.map(JSONValue.text),
        ])
    }

    func genesis(_ genesis: Genesis) throws -> JSONValue {
        .fields([
            "chain_id": .id(genesis.chainID), "name": .text(genesis.name), "time": .time(genesis.time),
            "address_prefix": .text(network.prefix), "supply_qlc": .amount(.supply),
            "parameters": try JSONValue(writing: genesis.parameters), "allocations": .count(genesis.allocations.count),
            "vesting_allocations": .count(genesis.vesting.count),
            "delegates": .list(
                genesis.delegates.map {
                    .fields([
                        "address": address($0.key), "stake_qlc": .amount($0.stake),
                        "commission_permyriad": .count($0.commission),
                    ])
                }),
        ])
    }

    func peers(_ now: ChainMoment) -> JSONValue {
        let peers = now.peerHeights.sorted { $0.key < $1.key }.map { key, height in
            JSONValue.fields(["key": .id(key.raw), "claimed_height": .count(height)])
        }
        return .fields(["count": .count(peers.count), "claimed_height": .count(now.claimedHeight), "peers": .list(peers)])
    }

    // MARK: Blocks

    func header(_ header: Header) -> JSONValue {
        .fields([
            "version": .count(header.version), "chain_id": .id(header.chainID), "height": .count(header.height),
            "time": .time(header.time), "parent": .id(header.parent), "last_commit": .id(header.lastCommit),
            "transaction_root": .id(header.transactionRoot), "state_root": .id(header.stateRoot),
            "receipts_root": .id(header.receiptsRoot), "delegate_set": .id(header.delegateSet),
            "next_delegate_set": .id(header.nextDelegateSet), "parameters": .id(header.parameters),
            "evidence_root": .id(header.evidenceRoot), "public_chain_anchor": .id(header.publicChainAnchor),
            "proposer": address(header.proposer),
        ])
    }

    func commit(_ commit: Commit) -> JSONValue {
        .fields([
            "height": .count(commit.height), "round": .count(commit.round), "block_id": .id(commit.block),
            "signers": .list((0..<DelegateSet.limit).filter { commit.signers >> UInt64($0) & 1 == 1 }.map(JSONValue.count)),
        ])
    }

    func block(_ block: Block, _ commit: Commit) -> JSONValue {
        .fields([
            "height": .count(block.header.height), "block_id": .id(block.header.id), "header": header(block.header),
            "commit": self.commit(commit), "evidence": .count(block.evidence.count),
            "transactions": .list(
                block.transactions.map { bytes in
                    let transaction = try? Signed<Transaction>(canonicalBytes: bytes).claim
                    return .fields([
                        "id": .id(CheckedTransaction.id(of: bytes)), "bytes": .count(bytes.count),
                        "kind": (transaction?.payload.kind).map { .text("\($0)".inSnakeCase) },
                        "sender": (transaction?.sender).map(address),
                    ])
                }),
        ])
    }

    func lightBlock(_ light: LightBlock) -> JSONValue {
        .fields([
            "height": .count(light.height), "light_block": .hex(light.canonicalBytes), "header": header(light.header),
            "commit": commit(light.commit), "validators": validators(light.delegates),
        ])
    }

    func validators(_ set: DelegateSet) -> JSONValue {
        .list(set.delegates.map { .fields(["address": address($0.key), "power": .count($0.power)]) })
    }

    func validators(_ set: DelegateSet, at height: UInt64, proposer: PublicKey) -> JSONValue {
        .fields([
            "height": .count(height), "delegate_set": .id(set.hash), "total_power": .count(set.totalPower),
            "proposer": address(proposer), "validators": validators(set),
        ])
    }

    /// - Parameter place: nil while it waits.
    func transaction(_ transaction: Transaction, id: Bytes32, _ place: ChainHistory.Place?) -> JSONValue {
        let refusal = place?.receipt.refusal
        return .fields([
            "id": .id(id), "status": .text(place == nil ? "waiting" : refusal == nil ? "done" : "refused"),
            "height": (place?.height).map(JSONValue.count), "index": (place?.index).map(JSONValue.count),
            "refusal": refusal.map { .count($0.rawValue) }, "reason": refusal.map { .text($0.description) },
            "sender": address(transaction.sender), "sequence": .count(transaction.sequence),
            "fee_qlc": .amount(transaction.fee), "valid_until": .time(transaction.validUntil),
            "kind": .text("\(transaction.payload.kind)".inSnakeCase), "payload": payload(transaction.payload),
            "creates": transaction.creates.map(JSONValue.id),
        ])
    }
}
