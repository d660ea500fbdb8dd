public import Primitives

/// Why a request was refused. Each says what to do.
public enum ChargingError: Error, Hashable, Sendable {
    case sessionUnknown(SessionID)
    case sessionClosing(SessionID)
    case sessionLimit(Int)
    case noAddress(MACAddress)
    case blocked(MACAddress)
    case notFree(tariff: String)
    case tariffUnknown(String)
    case channelUnknown(ChannelID)
    case channelClosed(ChannelID)
    case channelLimit(Int)
    case depositShrinks(ChannelID)
    case depositExceeded(QLC, deposit: QLC)
    case wrongKey(ChannelID)
    case acceptanceStale(sequence: UInt64, last: UInt64)
    case voucherInvalid(String)
    case voucherStale(sequence: UInt64, last: UInt64)
    case codeUnknown
    case codeSpent(UInt32)
    case codeLimit(Int)
    case keyUnknown(UInt32)
    case keyLimit(Int)
}

extension ChargingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .sessionUnknown(let id): "there is no open session \(id); open one with POST /v1/sessions"
        case .sessionClosing(let id): "session \(id) is just being closed; ask again in a second"
        case .sessionLimit(let limit): "the station serves \(limit) sessions already; try again when one has ended"
        case .noAddress(let mac): "\(mac) has no address on this station yet; connect, get an address, then ask again"
        case .blocked(let mac): "\(mac) was blocked by the owner; ask the owner to allow it"
        case .notFree(let tariff): "tariff \"\(tariff)\" is not free; pay from a channel or enter an access code"
        case .tariffUnknown(let id): "there is no tariff \"\(id)\"; GET /v1/offer lists what there is"
        case .channelUnknown(let id): "the station knows no channel \(id); open one, or wait until its opening is final"
        case .channelClosed(let id): "channel \(id) is closed; open a new one"
        case .channelLimit(let limit): "the channel book is full at \(limit) channels; close some"
        case .depositShrinks(let id): "the deposit of channel \(id) cannot shrink; state the whole deposit after the top-up"
        case .depositExceeded(let amount, let deposit):
            "a voucher for \(amount) QLC exceeds the deposit of \(deposit) QLC; top up the channel"
        case .wrongKey(let id): "the signature is not by the session key of channel \(id)"
        case .acceptanceStale(let sequence, let last):
            "acceptance \(sequence) was used before (the last is \(last)); sign a new one with a higher sequence"
        case .voucherInvalid(let why): "the voucher is refused: \(why)"
        case .voucherStale(let sequence, let last):
            "voucher \(sequence) is not newer than the last, \(last); sign one with a higher sequence"
        case .codeUnknown: "that access code is not known here; check it letter by letter"
        case .codeSpent(let number): "access code \(number) is used up, expired or revoked; get a new one"
        case .codeLimit(let limit): "there are \(limit) access codes already; revoke old ones first"
        case .keyUnknown(let number): "there is no key \(number) in force; basestation key list names those that are"
        case .keyLimit(let limit): "there are \(limit) keys already; each joining device is tried with all of them"
        }
    }
}
