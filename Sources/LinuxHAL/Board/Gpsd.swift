import Glibc
public import HAL
public import Primitives

/// The satellite receiver behind gpsd, by its JSON over TCP.
///
/// gpsd may be absent, hang, die or be another program: every wait is bounded, lines are, and it is asked again, later each time.
public struct Gpsd: PositionSource {
    /// How patient it is.
    public struct Patience: Hashable, Sendable {
        /// For the connection and for the first word.
        public var answer = Nanoseconds.seconds(5)
        /// A receiver that tells anything does so every second.
        public var silence = Nanoseconds.seconds(60)
        /// The pause before it is asked again doubles from the first to the last.
        public var pauses = Nanoseconds.seconds(1) ... .seconds(60)

        public init() {}
    }

    /// Events that may wait for their reader.
    static let eventLimit = 32

    private let endpoint: Endpoint
    private let patience: Patience

    public init(at endpoint: Endpoint, patience: Patience = Patience()) {
        self.endpoint = endpoint
        self.patience = patience
    }

    public func events() async throws(HALError) -> AsyncStream<PositionEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PositionEvent.self, bufferingPolicy: .bufferingNewest(Self.eventLimit))
        let wake = try WakeEnd(for: "listen to gpsd")
        continuation.onTermination = { _ in wake.up() }
        let listener = GpsdListener(endpoint: endpoint, patience: patience, wake: wake, continuation: continuation)
        do throws(HALError) { try startThread { listener.run() } } catch {
            continuation.finish()
            throw error
        }
        return stream
    }
}

/// What Gpsd's thread does.
private struct GpsdListener: Sendable {
    /// Lines in a row that make no sense: then it is not gpsd.
    static let nonsenseLimit = 16

    let endpoint: Endpoint
    let patience: Gpsd.Patience
    let wake: WakeEnd
    let continuation: AsyncStream<PositionEvent>.Continuation

    func run() {
        defer { continuation.finish() }
        var pause = patience.pauses.lowerBound
        while true {
            do throws(HALError) {
                try listen { pause = patience.pauses.lowerBound }
                return
            } catch {
                continuation.yield(.unavailable(error))
            }
            if isWoken(within: pause) { return }
            pause = min(pause + pause, patience.pauses.upperBound)
        }
    }

    /// Until the end is wanted; throws when gpsd fails. Calls `good` for each report.
    private func listen(_ good: () -> Void) throws(HALError) {
        let connection = try GpsdConnection(to: endpoint, wake: wake.descriptor, timeout: patience.answer)
        try connection.send("?WATCH={\"enable\":true,\"json\":true}\n")
        var (lines, hasSpoken, nonsense) = (LineSplitter(limit: GpsdMessage.lineLimit), false, 0)
        var lastWord = ContinuousClock.now
        while true {
            let patience = hasSpoken ? patience.silence : patience.answer
            let left = patience.duration - (ContinuousClock.now - lastWord)
            guard left > .zero else {
                throw HALError(.busy, "gpsd at \(endpoint) says nothing", mend: "see if its receiver is plugged in: gpspipe -w")
            }
            guard case .bytes(let bytes) = try receive(connection, left) else { return }
            for line in lines.take(bytes) {
                let message = GpsdMessage(line: line)
                nonsense = message == nil ? nonsense + 1 : 0
                guard message != nil else { continue }
                (hasSpoken, lastWord) = (true, .now)
                if case .report(let report) = message {
                    good()
                    continuation.yield(.report(report))
                }
            }
            guard nonsense < Self.nonsenseLimit else {
                throw HALError(.broken, "what answers at \(endpoint) is not gpsd", mend: "see board.gpsd_address")
            }
        }
    }

    /// Silence is no bytes: the caller looks at its clock.
    private func receive(_ connection: borrowing GpsdConnection, _ left: Duration) throws(HALError) -> GpsdConnection.Received {
        let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
        let received = try connection.receive(timeout: .milliseconds(milliseconds))
        if case .silence = received { return .bytes([]) }
        return received
    }

    private func isWoken(within pause: Nanoseconds) -> Bool {
        var end = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&end, 1, Int32(clamping: pause.count / 1_000_000)) > 0
    }
}
