import HAL
import Netlink
import Primitives

/// Finds what an earlier process left in the kernel.
struct GateAdoption {
    private(set) var holdings = GateHoldings()
    /// What is there of clients that are not whole, because somebody changed the table by hand.
    private(set) var repairs = NetfilterBatch(table: GateTable.name)

    private var accounted: [ClientMark: Int] = [:]
    private var quotas: Set<ClientMark> = []
    private var clients: [ClientMark: HeldClient] = [:]

    /// - Parameters:
    ///   - ports: the name of each interface, by index
    ///   - orphans: quotas that nobody has any more
    init(_ socket: NetfilterSocket, ports: [Int32: String], orphans: Set<String>) throws(NetlinkError) {
        let table = GateTable.name
        for set in [GateTable.bind.v4, GateTable.bind.v6] {
            try socket.eachElement(of: set, table: table) { element in
                guard let mark = GateTable.mark(element.data), let binding = GateTable.binding(element.key) else { return }
                clients[mark, default: HeldClient(port: "")].bindings.insert(binding)
                if let port = ports[binding.index] { clients[mark]?.port = port }
            }
        }
        for set in [GateTable.down.v4, GateTable.down.v6] {
            try socket.eachElement(of: set, table: table) { element in
                guard let mark = GateTable.mark(element.data), let address = IPAddress(bytes: element.key.array) else { return }
                clients[mark, default: HeldClient(port: "")].downs.insert(address)
            }
        }
        try socket.eachElement(of: GateTable.account, table: table) { element in
            if let mark = GateTable.mark(element.key) { accounted[mark, default: 0] += 1 }
        }
        for quota in try socket.quotas(table: table) where !orphans.contains(quota.name) {
            if let mark = GateTable.mark(quotaName: quota.name) { quotas.insert(mark) }
        }
        complete()
    }

    private mutating func complete() {
        for mark in Set(clients.keys).union(accounted.keys).union(quotas) {
            holdings[mark] = clients[mark] ?? HeldClient(port: "")
            let keys = GateTable.keys(mark)
            if accounted[mark] != 2 { repairs.add(keys.map { SetElement(key: $0) }, to: GateTable.account) }
            // Nothing leads to it: the client gets nothing until it is served anew.
            if !quotas.contains(mark) { repairs.setQuota(GateTable.quotaName(mark), limit: 0) }
        }
    }
}
