public import Primitives

/// One fact to be on disk before anything of value follows from it. Each replaces its earlier version by key.
public enum Record: Hashable, Sendable {
    case session(Session)
    /// The session's row goes, its usage record stays for ever, and waits for its commitment on the chain.
    /// - `visitKey`: what the buyer's own record of it is sealed for; nil: there is none.
    case ended(UsageRecord, visitKey: SealingKey?)
    case channel(ChannelAccount)
    case code(AccessCode)
    case key(WirelessKey)
    case blocked(MACAddress, Bool)
}

/// Everything that recovery starts from.
public struct StoredState: Sendable {
    public var sessions: [Session] = []
    public var channels: [ChannelAccount] = []
    public var codes: [AccessCode] = []
    public var keys: [WirelessKey] = []
    public var blocked: [MACAddress] = []

    public init() {}
}

/// What the kernel shall do for a session: the whole of it.
public struct Bearer: Hashable, Sendable {
    public var mark: UInt32
    public var port: String
    public var mac: MACAddress
    public var addresses: [IPAddress]
    /// Total bytes since the mark was first used. nil: no limit.
    public var byteLimit: UInt64?
    /// nil: no end.
    public var servedUntil: Instant?
}

/// What the engine wants done. Of one batch, every `persist` is on disk before the first of the others happens.
public enum Action: Hashable, Sendable {
    case persist(Record)
    case serve(Bearer)
    /// Stop service, read its counters once more, then tell the engine `drained`.
    case stop(mark: UInt32)
    case forget(mark: UInt32)
}

/// The kernel's counters under one mark.
public struct MeterReading: Hashable, Sendable {
    public var mark: UInt32
    public var bytesUp: UInt64
    public var bytesDown: UInt64

    public init(mark: UInt32, bytesUp: UInt64, bytesDown: UInt64) {
        self.mark = mark
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
    }
}
