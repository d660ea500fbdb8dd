import Charging
import Glibc
import Primitives
import StationAPI

/// One session as the wallet remembers it.
struct Visit: Codable, Hashable {
    var sessionId: String
    /// As it was named to `connect`.
    var station: String
    var tariffId: String
    /// nil: by an access code.
    var channel: ChannelID?
    var startedAt: WallTime
    var endedAt: WallTime?
    var durationSeconds: UInt64 = 0
    var bytes: UInt64 = 0
    var chargeQlc = QLC.zero
    /// Only on a simulated station.
    var simulatedClient: Int?

    mutating func update(_ session: BuyerSessionView) {
        durationSeconds = session.durationSeconds
        bytes = session.bytesUp + session.bytesDown
        chargeQlc = session.chargeQlc
        if session.state == "ended" { endedAt = endedAt ?? .now }
    }
}

/// The wallet's memory of its sessions: lines of JSON beside the wallet, of which the last one about a session counts.
///
/// It holds no secret, and nothing rests on it: the station's signed usage records are what was agreed.
struct Journal {
    /// What is read of it: the newest part, some ten thousand sessions.
    static let bytesRead = 4 << 20

    let wallet: WalletFile
    var path: String { wallet.wallet + ".history" }

    init(beside wallet: WalletFile) { self.wallet = wallet }

    /// A session goes on, and is paid for, also where it cannot be remembered: then that is only said.
    func write(_ visit: Visit) {
        do { try append(visit) } catch {
            let words = Array("\(error); this session will not be in qlink history\n".utf8)
            _ = Glibc.write(2, words, words.count)
        }
    }

    private func append(_ visit: Visit) throws {
        wallet.makeFolder()  // who pays with a card has no wallet yet
        let fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { throw WalletError("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(fd) }
        // Begun on a line of its own, also after one that a power cut left unfinished.
        let line = try [0x0a] + JSON.encode(visit) + [0x0a]
        guard Glibc.write(fd, line, line.count) == line.count else {
            throw WalletError("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Oldest first. A line that cannot be read is left out: it was cut short, or a newer program wrote it.
    func visits() -> [Visit] {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        let size = max(0, lseek(fd, 0, SEEK_END))
        lseek(fd, max(0, size - off_t(Self.bytesRead)), SEEK_SET)
        var bytes = [UInt8](repeating: 0, count: min(Int(size), Self.bytesRead))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { read(fd, $0.baseAddress! + count, $0.count - count) }
            guard got > 0 else { break }
            count += got
        }
        var order: [String] = []
        var last: [String: Visit] = [:]
        for line in bytes[..<count].split(separator: 0x0a) {
            guard let visit = try? JSON.decode(Visit.self, from: line) else { continue }
            if last.updateValue(visit, forKey: visit.sessionId) == nil { order.append(visit.sessionId) }
        }
        return order.compactMap { last[$0] }
    }

    /// The session that has not ended, of `station` if one is named.
    func openVisit(at station: String?) throws -> Visit {
        let open = visits().filter { $0.endedAt == nil && (station == nil || $0.station == station) }
        guard let visit = open.last else {
            throw WalletError(
                "no session\(station.map { " at \($0)" } ?? "") goes on; begin one: qlink connect STATION --channel ID --once")
        }
        guard station != nil || Set(open.map(\.station)).count == 1 else {
            throw WalletError(
                "sessions go on at \(Set(open.map(\.station)).sorted().joined(separator: ", ")); name one of them with --station")
        }
        return visit
    }
}

extension WallTime {
    static var now: WallTime { WallTime(secondsSince1970: Int64(time(nil))) }
}
