public import Primitives

/// What the board does, read at one moment. The counters only grow while the sensor lives.
public struct BoardActivity: Hashable, Sendable {
    /// Packets that clients sent or were sent, on all their ports together.
    public var clientPackets: UInt64
    /// Packets that found no room: on client ports, on the uplink, in the kernel's backlog.
    public var packetsDropped: UInt64
    /// Processor time of all cores together that was not idle.
    public var busy: Nanoseconds
    public var cores: Int
    /// What a program could have without making others swap.
    public var memoryAvailable: ByteCount
    public var memoryTotal: ByteCount

    public init(
        clientPackets: UInt64, packetsDropped: UInt64, busy: Nanoseconds, cores: Int, memoryAvailable: ByteCount,
        memoryTotal: ByteCount
    ) {
        self.clientPackets = clientPackets
        self.packetsDropped = packetsDropped
        self.busy = busy
        self.cores = cores
        self.memoryAvailable = memoryAvailable
        self.memoryTotal = memoryTotal
    }
}

/// Whether the board has anything to do.
public protocol IdleSensor: Sendable {
    func activity() async throws(HALError) -> BoardActivity
    /// Processor time that a process has used, all its threads together; nil: there is none of that number, or it is hidden.
    func processorTime(of pid: Int32) async throws(HALError) -> Nanoseconds?
    /// Returns at the first packet that comes in from a client. It costs nothing while none comes.
    ///
    /// It listens from the call on: a packet from before is in the counters only. Throws `CancellationError` when cancelled, `HALError`
    /// when it cannot listen.
    func firstPacket() async throws
}
