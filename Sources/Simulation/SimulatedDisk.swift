import Charging
import Primitives

/// A disk on which a commit is whole or nothing, and nothing else survives a crash.
struct SimulatedDisk {
    private(set) var sessions: [SessionID: Session] = [:]
    private(set) var channels: [ChannelID: ChannelAccount] = [:]
    private(set) var codes: [Bytes32: AccessCode] = [:]
    private(set) var keys: [UInt32: WirelessKey] = [:]
    private(set) var blocked: Set<MACAddress> = []
    private(set) var usage: [UsageRecord] = []
    private(set) var commits = 0
    private var bootID: String?

    mutating func commit(_ records: [Record], isFull: Bool) throws(StorageError) {
        guard !isFull else { throw StorageError(.full, "the simulated disk is full; end the fault") }
        commits += 1
        for record in records {
            switch record {
            case .session(let session): sessions[session.id] = session
            case .ended(let record, _):
                sessions[record.session] = nil
                usage.append(record)
            case .channel(let account): channels[account.channel.id] = account
            case .code(let code): codes[code.digest] = code
            case .key(let key): keys[key.number] = key
            case .blocked(let mac, true): blocked.insert(mac)
            case .blocked(let mac, false): blocked.remove(mac)
            }
        }
    }

    /// Whether the last start was in this boot too.
    mutating func enter(bootID: String) -> Bool {
        defer { self.bootID = bootID }
        return self.bootID == bootID
    }

    var state: StoredState {
        var state = StoredState()
        state.sessions = sessions.values.sorted { $0.id < $1.id }
        state.channels = channels.values.sorted { $0.channel.id < $1.channel.id }
        state.codes = codes.values.sorted { $0.number < $1.number }
        state.keys = keys.values.sorted { $0.number < $1.number }
        state.blocked = blocked.sorted()
        return state
    }
}
