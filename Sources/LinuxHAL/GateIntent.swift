import HAL
import Primitives

/// What a list of changes comes to, client by client: the last word counts.
struct GateIntent {
    struct Client {
        enum Service: Equatable {
            case none
            case forever
            case milliseconds(UInt64)
        }

        var port: String
        var bindings: Set<GateBinding>
        /// nil: leave the limit as it is.
        var byteLimit: UInt64?
        var service: Service

        var addresses: Set<IPAddress> { Set(bindings.map(\.address)) }
    }

    /// nil: nothing shall be left of it.
    private(set) var clients: [(mark: ClientMark, target: Client?)] = []
    private var places: [ClientMark: Int] = [:]

    /// - Parameter indices: the interface of each port that an entry names
    init(_ changes: [GateChange], holding held: GateHoldings, indices: [String: Int32]) throws(HALError) {
        for change in changes {
            switch change {
            case .serve(let entry):
                // Who has no address needs no port: an access point may be gone while its clients' accounts are kept.
                guard let index = indices[entry.port] ?? (entry.addresses.isEmpty ? 0 : nil) else {
                    throw .missing(interface: entry.port, among: Array(indices.keys))
                }
                if let place = places[entry.mark], clients[place].target == nil {
                    throw HALError(
                        .busy, "client \(entry.mark.value) is forgotten and served in one step",
                        mend: "a mark is never used twice: take a new one")
                }
                set(entry.mark, try Self.target(entry, index: index))
            case .stop(let mark):
                guard var target = places[mark].map({ clients[$0].target }) ?? held[mark].map(Self.target) else { continue }
                target.bindings = []
                target.service = .none
                set(mark, target)
            case .forget(let mark):
                guard places[mark] != nil || held[mark] != nil else { continue }
                set(mark, nil)
            }
        }
        try refuseTakenAddresses(held)
    }

    private mutating func set(_ mark: ClientMark, _ target: Client?) {
        if let place = places[mark] {
            clients[place].target = target
        } else {
            places[mark] = clients.count
            clients.append((mark, target))
        }
    }

    private static func target(_ entry: GateEntry, index: Int32) throws(HALError) -> Client {
        guard entry.addresses.count <= GateEntry.addressLimit else {
            throw HALError(
                .full, "client \(entry.mark.value) has \(entry.addresses.count) addresses",
                mend: "serve at most \(GateEntry.addressLimit) of them")
        }
        for address in entry.addresses where !address.isUnicast {
            throw HALError(.broken, "client \(entry.mark.value) cannot own the address \(address)", mend: "")
        }
        let service: Client.Service =
            switch entry.lease {
            case nil: .forever
            // A lease shorter than the kernel's millisecond is over when it is applied.
            case let lease? where lease.count < 1_000_000: .none
            case let lease?: .milliseconds(UInt64(lease.count / 1_000_000))
            }
        return Client(
            port: entry.port,
            bindings: Set(entry.addresses.map { GateBinding(index: index, mac: entry.mac, address: $0) }),
            byteLimit: min(entry.byteLimit ?? GateTable.noLimit, GateTable.noLimit), service: service)
    }

    private static func target(_ held: HeldClient) -> Client {
        Client(port: held.port, bindings: held.bindings, byteLimit: held.byteLimit, service: .none)
    }

    /// An address leads to one client only: the former owner must let go of it in the same step or before.
    private func refuseTakenAddresses(_ held: GateHoldings) throws(HALError) {
        var claimed: [IPAddress: ClientMark] = [:]
        for (mark, target) in clients {
            for address in target?.addresses ?? [] {
                let owner = claimed[address] ?? held.owners[address].flatMap { places[$0] == nil ? $0 : nil }
                if let owner, owner != mark {
                    throw HALError(
                        .busy, "\(address) belongs to client \(owner.value); client \(mark.value) cannot have it too",
                        mend: "stop client \(owner.value) first")
                }
                claimed[address] = mark
            }
        }
    }
}
