/// Why a key or a passphrase was not read, written or taken; in words for the one who has to act.
public struct CustodyError: Error, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}
