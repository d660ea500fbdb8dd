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

    /// Who goes on. Nobody does while the lock is held: the runtime calls `onCancel` with its own lock on the task, which a task that goes
    /// on needs, and `onCancel` waits for ours.
    private struct Woken {
        var senders: [CheckedContinuation<Void, Never>] = []
        var readers: [(CheckedContinuation<PeerEvent?, Never>, PeerEvent?)] = []
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
                change { state, woken in
                    guard !state.isFinished, !Task.isCancelled else { return woken.senders.append(continuation) }
                    state.senders.append(Waiting(ticket: ticket, event: event, continuation: continuation))
                    settle(&state, &woken)
                }
            }
        } onCancel: {
            change { state, woken in
                guard let index = state.senders.firstIndex(where: { $0.ticket == ticket }) else { return }
                woken.senders.append(state.senders.remove(at: index).continuation)
            }
        }
    }

    /// nil after the end, or when the reader's task is cancelled.
    func next() async -> PeerEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                change { state, woken in
                    precondition(state.reader == nil, "peer events have one reader")
                    guard !Task.isCancelled else { return woken.readers.append((continuation, nil)) }
                    state.reader = continuation
                    settle(&state, &woken)
                }
            }
        } onCancel: {
            change { state, woken in
                guard let reader = state.reader else { return }
                state.reader = nil
                woken.readers.append((reader, nil))
            }
        }
    }

    func finish() {
        change { state, woken in
            state.isFinished = true
            woken.senders += state.senders.map(\.continuation)
            state.senders = []
            settle(&state, &woken)
        }
    }

    private func change(_ make: (inout State, inout Woken) -> Void) {
        var woken = Woken()
        state.withLock { make(&$0, &woken) }
        for sender in woken.senders { sender.resume() }
        for (reader, event) in woken.readers { reader.resume(returning: event) }
    }

    /// Moves waiting events into the free space, and one of them to the reader, until neither can be done.
    private func settle(_ state: inout State, _ woken: inout Woken) {
        repeat {
            while let first = state.senders.first, hasRoom(for: first.event, in: state) {
                state.senders.removeFirst()
                state.events.append(first.event)
                state.bytes += first.event.size
                woken.senders.append(first.continuation)
            }
            guard let reader = state.reader, !state.events.isEmpty else { break }
            let event = state.events.removeFirst()
            state.bytes -= event.size
            state.reader = nil
            woken.readers.append((reader, event))
        } while !state.senders.isEmpty
        if state.isFinished, state.events.isEmpty, let reader = state.reader {
            state.reader = nil
            woken.readers.append((reader, nil))
        }
    }

    private func hasRoom(for event: PeerEvent, in state: State) -> Bool {
        state.events.isEmpty || (state.events.count < eventLimit && state.bytes + event.size <= byteLimit)
    }
}
