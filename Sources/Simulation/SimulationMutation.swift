import SimulatedHAL

/// A guard taken out, or a mistake put in: the checker must notice every one of them.
public enum SimulationMutation: String, Hashable, Sendable, CaseIterable {
    // The driver's
    case grantsBeforePersisting
    case keepsFailedBatches
    /// A failed commit of the closing of accounts also takes back what was committed before it in the same turn.
    case rollsBackWhatIsCommitted
    /// Closes the account of a client although the kernel refused to stop it.
    case drainsUnstopped
    /// Closes accounts without reading the counters once more.
    case drainsUnread
    /// A refused grant is tried again later with the lease it was given then.
    case retriesStaleLeases
    /// What the gate refused when it was gone is tried again on the new one, under marks that nobody has any more.
    case keepsRefusalsForNewGates
    /// Takes what the kernel counts after a restart for new.
    case forgetsCounters
    case pinsNobody
    /// An address that was seen while the disk was full is not thought of again.
    case forgetsAddresses
    // The gate's
    case gateWithoutLatch
    case crossingPacketPasses
    case leasesNeverLapse
    case bindsAddressAlone
    // The air's
    case airWithoutKeys

    var gateFlaw: SimulatedGateModel.Flaw? {
        switch self {
        case .gateWithoutLatch: .noLatch
        case .crossingPacketPasses: .crossingPacketPasses
        case .leasesNeverLapse: .leasesNeverLapse
        case .bindsAddressAlone: .bindsAddressAlone
        default: nil
        }
    }
}
