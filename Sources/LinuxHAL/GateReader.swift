import Glibc
import HAL
import Netlink
import Primitives

/// Reads the gate's table out of the kernel.
struct GateReader {
    /// What changes under every one of so many reads is read as it is.
    static let attempts = 16
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
        for mark in marks { use[mark] = try self.use(of: mark) }
        return use
    }

    /// A packet between the two readings hides that another was refused: so they are taken again until none came between.
    private func use(of mark: ClientMark) throws(NetlinkError) -> GateUse {
        var before = try counted(mark)
        var best: GateUse?
        for _ in 0..<Self.attempts {
            guard let quota = try socket.quota(GateTable.quotaName(mark), table: GateTable.name) else {
                throw .refused(request: "read the quota of client \(mark.value)", errno: ENOENT, detail: nil)
            }
            let use = GateUse(quota: quota, counted: try counted(mark))
            if use.counted == before { return use }
            before = use.counted
            if use.refused >= best?.refused ?? 0 { best = use }
        }
        return best!  // not nil: the first is not less than 0
    }

    private func counted(_ mark: ClientMark) throws(NetlinkError) -> UInt64 {
        var bytes: UInt64 = 0
        for key in GateTable.keys(mark) {
            try socket.element(key, of: GateTable.account, table: GateTable.name) { bytes += $0.counter?.bytes ?? 0 }
        }
        return bytes
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
