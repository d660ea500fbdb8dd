/// How far the check of the local chain is: `GET /v1/chain/verification`.
public struct ChainVerificationView: Codable, Hashable, Sendable {
    /// `running`, `sound` or `damaged`.
    public var state: String
    /// The oldest block that is kept: 1 if the whole history is carried out again.
    public var fromHeight: UInt64
    /// Checked up to here.
    public var checkedHeight: UInt64
    public var toHeight: UInt64
    /// What is wrong, and what to do; nil while nothing is.
    @OrNull public var damage: String?

    public init(state: String, fromHeight: UInt64 = 0, checkedHeight: UInt64 = 0, toHeight: UInt64 = 0, damage: String? = nil) {
        (self.state, self.damage) = (state, damage)
        (self.fromHeight, self.checkedHeight, self.toHeight) = (fromHeight, checkedHeight, toHeight)
    }
}
