public import Primitives

/// What a transaction costs: a base, its bytes, and what it leaves in everybody's memory.
public enum Fees {
    /// The least fee of a transaction of so many bytes, in a block or on its way there.
    public static func least(for payload: Payload, bytes: Int, _ parameters: Parameters) -> QLC {
        QLC(
            units: parameters[.feeBase] + parameters[.feePerByte] * UInt64(bytes)
                + parameters[.feePerRecord] * records(payload))
    }

    private static func records(_ payload: Payload) -> UInt64 {
        switch payload {
        case .registerAsset: 4
        case .publishTariff: 4
        case .openChannel, .stake, .unstake, .registerDelegate, .registerContent, .vote: 1
        default: 0
        }
    }
}
