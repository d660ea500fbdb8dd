import Glibc
import HAL
import Netlink
import Primitives

/// Reads the gate's table out of the kernel.
struct GateReader {
    /// A table that changes under every one of so many reads is not ours alone.
    static let attempts = 8
    /// Up to so many clients are asked for one by one; more are read with the whole table.
    static let singleReads = 64

    let socket: NetfilterSocket

    func again<Result>(_ what: String, _ body: () throws(NetlinkError) -> Result) throws(HALError) -> Result {
        for _ in 1..<Self.attempts {
            do throws(NetlinkError) { return try body() } catch {
                guard error == .interrupted || error == .overrun else { throw HALError(error, doing: what) }
            }
        }
        return try netlink(what, body)
    }

    /// Each client's counters, in one dump.
    /// - Parameter count: about how many clients there are
    func readings(count: Int) throws(HALError) -> [GateReading] {
        try again("read the accounts") { () throws(NetlinkError) in
            var readings: [GateReading] = []
            var places: [UInt32: Int] = [:]
            places.reserveCapacity(count)
            readings.reserveCapacity(count)
            try socket.eachElement(of: GateTable.account, table: GateTable.name) { element in
                guard let mark = GateTable.mark(element.key), let counter = element.counter else { return }
                let place: Int
                if let known = places[mark.value] {
                    place = known
                } else {
                    place = readings.count
                    places[mark.value] = place
                    readings.append(GateReading(mark: mark, bytesUp: 0, bytesDown: 0))
                }
                readings[place].set(counter, isDown: GateTable.isDown(element.key))
            }
            return readings
        }
    }

    /// Who has lately sent from an address that is bound to nobody.
    func newcomers() throws(HALError) -> Set<GateBinding> {
        try again("read who is new") { () throws(NetlinkError) in
            var found: Set<GateBinding> = []
            for set in [GateTable.seen.v4, GateTable.seen.v6] {
                try socket.eachElement(of: set, table: GateTable.name) { element in
                    if let binding = GateTable.binding(element.key) { found.insert(binding) }
                }
            }
            return found
        }
    }

    /// What the kernel counted for some clients: first their quotas, then their accounts.
    func use(of marks: [ClientMark]) throws(HALError) -> [ClientMark: GateUse] {
        guard !marks.isEmpty else { return [:] }
        return try again("read what clients have used") { () throws(NetlinkError) in
            marks.count <= Self.singleReads ? try eachUse(of: marks) : try allUse()
        }
    }

    private func eachUse(of marks: [ClientMark]) throws(NetlinkError) -> [ClientMark: GateUse] {
        var use: [ClientMark: GateUse] = [:]
        for mark in marks {
            guard let quota = try socket.quota(GateTable.quotaName(mark), table: GateTable.name) else {
                throw .refused(request: "read the quota of client \(mark.value)", errno: ENOENT, detail: nil)
            }
            var counted: UInt64 = 0
            for key in GateTable.keys(mark) {
                try socket.element(key, of: GateTable.account, table: GateTable.name) { counted += $0.counter?.bytes ?? 0 }
            }
            use[mark] = GateUse(quota: quota, counted: counted)
        }
        return use
    }

    private func allUse() throws(NetlinkError) -> [ClientMark: GateUse] {
        var use: [ClientMark: GateUse] = [:]
        for quota in try socket.quotas(table: GateTable.name) {
            guard let mark = GateTable.mark(quotaName: quota.name) else { continue }
            use[mark] = GateUse(quota: quota, counted: 0)
        }
        try socket.eachElement(of: GateTable.account, table: GateTable.name) { element in
            guard let mark = GateTable.mark(element.key) else { return }
            use[mark]?.counted += element.counter?.bytes ?? 0
        }
        return use
    }

    /// Those of `marks` that the kernel has taken out of service, one way or both.
    func cutOff(among marks: [ClientMark]) throws(HALError) -> Set<ClientMark> {
        try again("read who is in service") { () throws(NetlinkError) in
            var found: [ClientMark: Int] = [:]
            if marks.count <= Self.singleReads {
                for mark in marks {
                    for key in GateTable.keys(mark) {
                        try socket.element(key, of: GateTable.live, table: GateTable.name) { _ in found[mark, default: 0] += 1 }
                    }
                }
            } else {
                try socket.eachElement(of: GateTable.live, table: GateTable.name) { element in
                    if let mark = GateTable.mark(element.key) { found[mark, default: 0] += 1 }
                }
            }
            return Set(marks.filter { found[$0, default: 0] < 2 })
        }
    }
}

extension GateReading {
    fileprivate mutating func set(_ counter: NetfilterCounter, isDown: Bool) {
        if isDown {
            bytesDown = counter.bytes
            packetsDown = counter.packets
        } else {
            bytesUp = counter.bytes
            packetsUp = counter.packets
        }
    }
}
