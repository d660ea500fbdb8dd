import Synchronization

/// Events from many links to one reader, in a bounded space. Whoever finds it full waits, each link for its own single event, so a
/// busy peer takes turns with quiet ones.
final class EventQueue: Sendable {
    private struct Waiting {
        let ticket: UInt64
        let event: PeerEvent
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var events: [PeerEvent] = []
        var bytes = 0
        var senders: [Waiting] = []
        var reader: CheckedContinuation<PeerEvent?, Never>?
        var isFinished = false
        var nextTicket: UInt64 = 0
    }

    private let eventLimit: Int
    private let byteLimit: Int
    private let state = Mutex(State())

    init(events: Int, bytes: Int) { (eventLimit, byteLimit) = (events, bytes) }

    /// Returns when the event has its place. Of a cancelled task, or after the end, it is dropped.
    func send(_ event: PeerEvent) async {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    if state.isFinished || Task.isCancelled { return continuation.resume() }
                    state.senders.append(Waiting(ticket: ticket, event: event, continuation: continuation))
                    self.settle(&state)
                }
            }
        } onCancel: {
            state.withLock { state in
                guard let index = state.senders.firstIndex(where: { $0.ticket == ticket }) else { return }
                state.senders.remove(at: index).continuation.resume()
            }
        }
    }

    /// nil after the end, or when the reader's task is cancelled.
    func next() async -> PeerEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    precondition(state.reader == nil, "peer events have one reader")
                    if Task.isCancelled { return continuation.resume(returning: nil) }
                    state.reader = continuation
                    self.settle(&state)
                }
            }
        } onCancel: {
            state.withLock { state in
                state.reader?.resume(returning: nil)
                state.reader = nil
            }
        }
    }

    func finish() {
        state.withLock { state in
            state.isFinished = true
            for sender in state.senders { sender.continuation.resume() }
            state.senders = []
            self.settle(&state)
        }
    }

    /// Moves waiting events into the free space, and one of them to the reader, until neither can be done.
    private func settle(_ state: inout State) {
        repeat {
            while let first = state.senders.first, hasRoom(for: first.event, in: state) {
                state.senders.removeFirst()
                state.events.append(first.event)
                state.bytes += first.event.size
                first.continuation.resume()
            }
            guard let reader = state.reader, !state.events.isEmpty else { break }
            let event = state.events.removeFirst()
            state.bytes -= event.size
            state.reader = nil
            reader.resume(returning: event)
        } while !state.senders.isEmpty
        if state.isFinished, state.events.isEmpty, let reader = state.reader {
            state.reader = nil
            reader.resume(returning: nil)
        }
    }

    private func hasRoom(for event: PeerEvent, in state: State) -> Bool {
        state.events.isEmpty || (state.events.count < eventLimit && state.bytes + event.size <= byteLimit)
    }
}
