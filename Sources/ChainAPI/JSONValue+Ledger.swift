import BoundedJSON
import Primitives

/// How the API writes what the ledger holds.
extension JSONValue {
    static func amount(_ amount: QLC) -> JSONValue { .text(amount.description) }
    static func id(_ id: Bytes32) -> JSONValue { .text(id.description) }
    static func hex(_ bytes: some Sequence<UInt8>) -> JSONValue { .text(Hex.encode(bytes)) }

    /// RFC 3339 in UTC with milliseconds, as the ledger counts. After the year 9999 it stands still.
    static func time(_ milliseconds: UInt64) -> JSONValue {
        let whole = WallTime(secondsSince1970: Int64(milliseconds / 1_000)).description.dropLast()
        let rest = String(milliseconds % 1_000 + 1_000).dropFirst()
        return .text("\(whole).\(rest)Z")
    }
}
