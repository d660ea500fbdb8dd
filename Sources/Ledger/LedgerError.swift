public import Consensus
public import Primitives

/// Why a transaction in a block changed nothing; its fee is paid all the same. The number stands in its receipt.
public enum Refusal: UInt8, Error, Hashable, Sendable, CaseIterable, Codable {
    case balanceTooLow = 1
    case amountIsZero
    case noSuchDelegate, delegateExpelled, stakeTooLow, tooManyUnbondings, notElected
    case evidenceKnown
    case noSuchAsset, notTheOwner, assetRetired
    case noSuchChannel, channelKnown, wrongSessionKey, voucherStale, depositExceeded, channelExpired, windowOutOfRange, windowOpen
    case notAParty, channelClosing
    case contentKnown, tariffKnown
    case parameterOutOfRange
}

extension Refusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .balanceTooLow: "the balance does not cover it"
        case .amountIsZero: "the amount is zero"
        case .noSuchDelegate: "there is no such delegate"
        case .delegateExpelled: "the delegate is expelled for ever"
        case .stakeTooLow: "it is below the least stake, or more than what is staked"
        case .tooManyUnbondings: "too many unstakes are under way; wait for one to end"
        case .notElected: "only elected delegates vote"
        case .evidenceKnown: "this delegate is punished already"
        case .noSuchAsset: "there is no such asset"
        case .notTheOwner: "it belongs to somebody else"
        case .assetRetired: "the asset is retired"
        case .noSuchChannel: "there is no such channel, or it is closed"
        case .channelKnown: "the channel is there already"
        case .wrongSessionKey: "the voucher is not signed by the channel's session key"
        case .voucherStale: "the voucher is not later than what is settled"
        case .depositExceeded: "the voucher is above the deposit"
        case .channelExpired: "the channel's time is over"
        case .windowOutOfRange: "the dispute window or the expiry is out of range"
        case .windowOpen: "the dispute window is still open"
        case .notAParty: "only payer and payee close a channel"
        case .channelClosing: "the channel is being closed"
        case .contentKnown: "this content is registered; its first owner keeps it"
        case .tariffKnown: "this tariff is published already"
        case .parameterOutOfRange: "the parameter cannot have that value"
        }
    }
}

/// Why a transaction may not stand in a block at all.
public enum Inadmissible: Error, Hashable, Sendable {
    case malformed(String)
    case signatureFalse
    case otherChain
    case sequence(UInt64, expected: UInt64)
    case expired(BlockTime)
    case feeTooLow(QLC, needed: QLC)
    case cannotPay(fee: QLC, balance: QLC)
}

extension Inadmissible: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let why): "the transaction cannot be read: \(why)"
        case .signatureFalse: "a signature in it is false"
        case .otherChain: "it is for another chain"
        case .sequence(let sequence, let expected): "its sequence is \(sequence); the account's next is \(expected)"
        case .expired(let time): "it was valid until \(WallTime(secondsSince1970: Int64(clamping: time / 1_000)))"
        case .feeTooLow(let fee, let needed): "its fee is \(fee) QLC; it takes \(needed)"
        case .cannotPay(let fee, let balance): "its fee is \(fee) QLC, and the balance \(balance)"
        }
    }
}

/// What is wrong with a block, a genesis or a state.
public enum LedgerError: Error, Hashable, Sendable {
    /// It does not follow from this state: `field` is not what it has to be.
    case headerWrong(field: String)
    case blockInvalid(String)
    case transaction(index: Int, Inadmissible)
    case evidence(String)
    case parameterOutOfRange(Parameters.Name, UInt64, ClosedRange<UInt64>)
    case genesisInvalid(String)
    /// QLC came or went: this software has a fault, and stops.
    case supplyBroken(expected: QLC, found: QLC)
    case stateDamaged(String)
}

extension LedgerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .headerWrong(let field): "the block does not follow from this state: its \(field) is wrong"
        case .blockInvalid(let why): "the block is not valid: \(why)"
        case .transaction(let index, let why): "transaction \(index) may not stand in a block: \(why)"
        case .evidence(let why): "the block's evidence is not valid: \(why)"
        case .parameterOutOfRange(let name, let value, let range): "\(name) cannot be \(value): it is within \(range)"
        case .genesisInvalid(let why): "the genesis file is not valid: \(why)"
        case .supplyBroken(let expected, let found):
            "the ledger holds \(found) QLC in place of \(expected); this is a fault of the software: keep the data and report it"
        case .stateDamaged(let why): "the stored state is damaged: \(why); remove it, it is fetched again from peers"
        }
    }
}
