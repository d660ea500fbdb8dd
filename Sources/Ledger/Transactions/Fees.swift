public import Primitives

/// What a transaction costs: a base, its bytes, and what it leaves in everybody's memory.
public enum Fees {
    /// The least fee of a transaction of so many bytes, in a block or on its way there.
    public static func least(for payload: Payload, bytes: Int, _ parameters: Parameters) -> QLC {
        least(for: payload.kind, bytes: bytes, parameters)
    }

    public static func least(for kind: Payload.Kind, bytes: Int, _ parameters: Parameters) -> QLC {
        QLC(
            units: parameters[.feeBase] + parameters[.feePerByte] * UInt64(bytes)
                + parameters[.feePerRecord] * records(kind))
    }

    private static func records(_ kind: Payload.Kind) -> UInt64 {
        switch kind {
        case .registerAsset: 4
        case .publishTariff: 4
        case .openChannel, .stake, .unstake, .registerDelegate, .registerContent, .vote: 1
        default: 0
        }
    }
}
