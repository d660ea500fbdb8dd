/// An error as RFC 9457 problem details: what failed, on what, and what to do is in `detail`.
public struct Problem: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// `urn:qlink:problem:` and a documented kind (docs/api.md lists them).
    public var type: String
    public var title: String
    public var status: Int
    public var detail: String

    public init(_ kind: Kind, _ detail: String) {
        type = "urn:qlink:problem:" + kind.rawValue
        title = kind.title
        status = kind.status
        self.detail = detail
    }

    public var kind: Kind? { Kind(rawValue: String(type.dropFirst("urn:qlink:problem:".count))) }
    public var description: String { detail }

    public enum Kind: String, CaseIterable, Sendable {
        case malformed, unauthorised, forbidden, unknown, conflict, refused, tooMany = "too-many", unavailable
        case offerExpired = "offer-expired"
        case paymentRefused = "payment-refused"
        case storageFull = "storage-full"
        case internalError = "internal"

        public var status: Int {
            switch self {
            case .malformed: 400
            case .unauthorised: 401
            case .paymentRefused: 402
            case .forbidden: 403
            case .unknown: 404
            case .conflict: 409
            case .offerExpired: 410
            case .refused: 422
            case .tooMany: 429
            case .internalError: 500
            case .unavailable: 503
            case .storageFull: 507
            }
        }

        public var title: String {
            switch self {
            case .malformed: "The request cannot be read"
            case .unauthorised: "Not known to the station"
            case .paymentRefused: "The payment is refused"
            case .forbidden: "Not permitted"
            case .unknown: "There is no such thing"
            case .conflict: "It does not fit what is there"
            case .offerExpired: "The offer has expired"
            case .refused: "Refused"
            case .tooMany: "Too many requests"
            case .internalError: "The station failed"
            case .unavailable: "Not now"
            case .storageFull: "The station's storage is full"
            }
        }
    }
}
