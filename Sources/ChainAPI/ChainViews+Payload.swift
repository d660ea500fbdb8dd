import BoundedJSON
import Charging
import Consensus
import Ledger
import Primitives

/// What a transaction does, field by field.
extension ChainViews {
    func payload(_ payload: Payload) -> JSONValue {
        switch payload {
        case .transfer(let body): .fields(["to": address(body.to), "amount_qlc": .amount(body.amount)])
        case .stake(let body): .fields(["delegate": address(body.delegate), "amount_qlc": .amount(body.amount)])
        case .unstake(let body): .fields(["delegate": address(body.delegate), "amount_qlc": .amount(body.amount)])
        case .registerDelegate(let body): .fields(["commission_permyriad": .count(body.commission)])
        case .reportEvidence(let body): .fields(["delegate": address(body.voter)])
        case .vote(let body):
            .fields(["parameter": .text("\(body.parameter)".inSnakeCase), "value": .count(body.value)])
        case .registerAsset(let body): facts(body.facts)
        case .updateAsset(let body): .fields(["asset": .id(body.asset), "facts": facts(body.facts)])
        case .retireAsset(let body): .fields(["asset": .id(body.asset)])
        case .publishTariff(let body): .fields(["tariff": .id(body.digest), "bytes": .hex(body.tariff)])
        case .registerContent(let body): .fields(["content": .id(body.hash), "size_bytes": .count(body.size)])
        case .commitUsage(let body):
            .fields([
                "asset": .id(body.asset), "usage_root": .id(body.usageRoot), "records": .count(body.records),
                "sealed_visits": .list(body.visits.map { .hex($0.bytes) }),
            ])
        case .openChannel, .topUpChannel, .settleChannels, .closeChannel, .raiseVoucher: channelPayload(payload)
        }
    }

    private func channelPayload(_ payload: Payload) -> JSONValue {
        switch payload {
        case .openChannel(let body): terms(body)
        case .topUpChannel(let body):
            .fields([
                "channel": .id(body.channel), "amount_qlc": .amount(body.amount),
                "expiry": body.expiry == 0 ? nil : .time(body.expiry),
            ])
        case .settleChannels(let body): .fields(["vouchers": .list(body.vouchers.map(voucher))])
        case .closeChannel(let body): .fields(["channel": .id(body.channel), "voucher": body.voucher.map(voucher)])
        case .raiseVoucher(let body): .fields(["voucher": voucher(body.voucher)])
        default: .fields([:])
        }
    }

    private func terms(_ terms: OpenChannel) -> JSONValue {
        .fields([
            "payee": address(terms.payee), "session_key": .id(terms.sessionKey.raw), "asset": terms.asset.map(JSONValue.id),
            "deposit_qlc": .amount(terms.deposit), "tariff": .id(terms.tariff), "expiry": .time(terms.expiry),
            "dispute_window_seconds": .count(terms.disputeWindow / 1_000),
        ])
    }

    private func voucher(_ presented: PresentedVoucher) -> JSONValue {
        let voucher = presented.voucher.claim
        return .fields([
            "channel": .id(voucher.channel), "cumulative_amount_qlc": .amount(voucher.cumulativeAmount),
            "cumulative_bytes": .count(voucher.cumulativeBytes), "sequence": .count(voucher.sequence),
            "session_key": .id(presented.sessionKey.raw),
        ])
    }
}

extension Transaction {
    /// Whose account it is about, as far as it says by itself.
    var parties: [PublicKey] {
        switch payload {
        case .transfer(let body): [sender, body.to]
        case .stake(let body): [sender, body.delegate]
        case .unstake(let body): [sender, body.delegate]
        case .openChannel(let body): [sender, body.payee]
        case .reportEvidence(let body): [sender, body.voter]
        default: [sender]
        }
    }

    /// The name of the asset, channel, tariff or content that it brings into the ledger, if it is done.
    var creates: Bytes32? {
        switch payload {
        case .registerAsset(let body): body.identity(of: sender, sequence)
        case .openChannel: OpenChannel.id(of: sender, sequence)
        case .publishTariff(let body): body.digest
        case .registerContent(let body): body.hash
        default: nil
        }
    }

    var channels: [ChannelID] {
        switch payload {
        case .openChannel: [OpenChannel.id(of: sender, sequence)]
        case .topUpChannel(let body): [body.channel]
        case .settleChannels(let body): body.vouchers.map(\.voucher.claim.channel)
        case .closeChannel(let body): [body.channel]
        case .raiseVoucher(let body): [body.voucher.voucher.claim.channel]
        default: []
        }
    }
}
