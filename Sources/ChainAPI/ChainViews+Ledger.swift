import BoundedJSON
import Charging
import Consensus
import Ledger
import Primitives

/// What stands in the ledger's state.
extension ChainViews {
    func account(_ key: PublicKey, on state: LedgerState) -> JSONValue {
        let account = state.account(key)
        return .fields([
            "address": address(key), "key": .id(key.raw), "balance_qlc": .amount(account.balance),
            "sequence": .count(account.sequence), "is_delegate": .bool(state.delegate(key) != nil),
            "height": .count(state.head.height),
        ])
    }

    func channel(_ id: ChannelID, _ channel: ChannelRecord, at now: BlockTime) -> JSONValue {
        let status = channel.closingSince != nil ? "closing" : now > channel.expiry ? "expired" : "open"
        return .fields([
            "id": .id(id), "status": .text(status), "payer": address(channel.payer), "payee": address(channel.terms.payee),
            "session_key": .id(channel.terms.sessionKey.raw), "asset": channel.terms.asset.map(JSONValue.id),
            "tariff": .id(channel.terms.tariff), "deposit_qlc": .amount(channel.deposit),
            "settled_qlc": .amount(channel.settled), "left_qlc": .amount(channel.left),
            "settled_bytes": .count(channel.settledBytes), "voucher_sequence": .count(channel.sequence),
            "expiry": .time(channel.expiry), "dispute_window_seconds": .count(channel.terms.disputeWindow / 1_000),
            "closing_since": channel.closingSince.map(JSONValue.time), "released_at": .time(channel.releasedAt),
        ])
    }

    /// - Parameter height: at which its facts are to hold: pending ones do not yet.
    func asset(_ id: AssetID, _ asset: Asset, at height: UInt64, distance: Double? = nil) -> JSONValue {
        .fields([
            "id": .id(id), "owner": address(asset.owner), "registered_height": .count(asset.registeredAt),
            "is_retired": .bool(asset.isRetired), "facts": facts(asset.facts(at: height)),
            "distance_m": distance.map { .count(UInt64($0)) },
        ])
    }

    func facts(_ facts: AssetFacts) -> JSONValue {
        .fields([
            "kind": .text("\(facts.kind)".inSnakeCase), "geohash": .text(facts.geohash), "endpoint": .text(facts.endpoint),
            "bssid": .text(Self.bssid(facts.bssid)), "ssid": .text(String(decoding: facts.ssid, as: UTF8.self)),
            "ssid_hex": .hex(facts.ssid), "downlink_bits_per_second": .count(facts.downlink),
            "uplink_bits_per_second": .count(facts.uplink), "configuration": .id(facts.configuration),
            "tariff": .id(facts.tariff), "public_chain_proof": .hex(facts.publicChainProof),
        ])
    }

    private static func bssid(_ bits: UInt64) -> String {
        (0..<6).map { Hex.encode([UInt8(truncatingIfNeeded: bits >> UInt64(8 * (5 - $0)))]) }.joined(separator: ":")
    }

    func delegate(_ record: DelegateRecord, on state: LedgerState) -> JSONValue {
        let set = state.epoch.current
        return .fields([
            "address": address(record.key), "status": .text("\(record.status)"),
            "stake_qlc": .amount(record.stake), "shares": .count(record.shares),
            "commission_permyriad": .count(record.commission),
            "power": set.index(of: record.key).map { .count(set.delegates[$0].power) },
        ])
    }

    func delegation(_ delegation: Delegation, with record: DelegateRecord) -> JSONValue {
        .fields([
            "staker": address(delegation.staker), "delegate": address(delegation.delegate),
            "shares": .count(delegation.shares), "worth_qlc": .amount(record.worth(of: delegation.shares)),
            "reward_qlc": .amount(record.earned(by: delegation.shares, since: delegation.paidIndex)),
            "state_id": .id(StateKey.delegation(of: delegation.staker, with: delegation.delegate).id),
        ])
    }

    func tariff(_ id: Bytes32, _ published: PublishedTariff) -> JSONValue {
        let tariff = try? Tariff(canonicalBytes: published.bytes)
        return .fields([
            "id": .id(id), "publisher": address(published.publisher), "bytes": .hex(published.bytes),
            "tariff": tariff.flatMap { try? JSONValue(writing: $0) },
        ])
    }

    func content(_ hash: Bytes32, _ content: Content) -> JSONValue {
        .fields([
            "id": .id(hash), "owner": address(content.owner), "size_bytes": .count(content.size),
            "registered_height": .count(content.registeredAt),
        ])
    }

    func usage(_ asset: AssetID, _ usage: UsageCommitments) -> JSONValue {
        .fields([
            "asset": .id(asset), "count": .count(usage.count), "history": .id(usage.history),
            "latest": .list(
                usage.latest.map {
                    .fields([
                        "height": .count($0.height), "usage_root": .id($0.usageRoot), "visit_root": .id($0.visitRoot),
                        "records": .count($0.records),
                    ])
                }),
        ])
    }
}
