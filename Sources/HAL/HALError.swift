/// What went wrong with the hardware, in kinds that a caller can act on; the detail is for people.
public struct HALError: Error, Hashable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        case notPermitted  // a capability is missing
        case missing  // no such interface, table or device
        case unsupported  // this kernel or driver cannot
        case busy  // someone else holds it, or try again
        case full  // a table or a disk is full
        case interrupted  // changed while it was read: read again
        case broken  // an answer that makes no sense
    }

    public var kind: Kind
    /// What failed, on what.
    public var what: String
    /// What to do about it.
    public var mend: String

    public init(_ kind: Kind, _ what: String, mend: String) {
        self.kind = kind
        self.what = what
        self.mend = mend
    }

    public var description: String { mend.isEmpty ? what : "\(what); \(mend)" }
}
