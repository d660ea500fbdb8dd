public import HAL
import Primitives

/// What the HAL's protocols promise, on the simulated board.
extension SimulatedWorld {
    public mutating func openGate() throws(HALError) -> [ClientMark] {
        try refuseFaults("open the gate", isChange: true)
        isGateOpen = true
        return gate.marks
    }

    public mutating func apply(_ changes: [GateChange]) throws(HALError) {
        try refuseFaults("change the gate", isChange: true)
        try requireGate()
        try gate.apply(changes, ports: settings.ports, at: elapsed, random: &random)
    }

    public func readings() throws(HALError) -> [GateReading] {
        try refuseFaults("read the counters", isChange: false)
        try requireGate()
        return gate.readings
    }

    private func requireGate() throws(HALError) {
        guard isGateOpen else { throw HALError(.missing, "the packet gate is gone", mend: "open it again") }
    }

    /// A kernel that is busy with the table takes no change but can be read; one that changes under a dump is the reverse.
    private func refuseFaults(_ what: String, isChange: Bool) throws(HALError) {
        if faults[.gateNotPermitted] != nil {
            throw HALError(.notPermitted, "not permitted to \(what)", mend: "run with CAP_NET_ADMIN")
        }
        if isChange, faults[.gateBusy] != nil { throw HALError(.busy, "somebody else holds the gate", mend: "try again") }
        if !isChange, faults[.gateInterrupted] != nil {
            throw HALError(.interrupted, "the gate changed while it was read", mend: "read it again")
        }
    }

    public func links() -> [Link] {
        let ports = settings.ports.enumerated().map { index, name in
            Link(
                name: name, index: Int32(index + 2), mac: MACAddress(value: 0x0251_ff00_0000 | UInt64(index)),
                isUp: faults[.interfaceDown] == nil, hasCarrier: hasCarrier(name), mtu: 1500,
                addresses: index == 0 ? [.v4(0x0a4d_ffff - 1), .v6(high: 0xfd77_0000_0000_0000, low: 0xffff_fffe)] : [],
                bytesReceived: linkBytes[name]?.received ?? 0, bytesSent: linkBytes[name]?.sent ?? 0)
        }
        let uplink = Link(
            name: settings.uplink, index: Int32(settings.ports.count + 2), mac: MACAddress(value: 0x0251_ff00_00ff), isUp: true,
            hasCarrier: true, mtu: 1500, addresses: [.v4(0xc612_0001)])
        return ports + [uplink]
    }

    public func neighbours(on port: String) throws(HALError) -> [Neighbour] {
        try require(port: port)
        return neighbourTable.values.filter { $0.port == port }.sorted { $0.address < $1.address }
    }

    public mutating func pin(_ neighbour: Neighbour) throws(HALError) {
        try require(port: neighbour.port)
        pins[neighbour.address] = neighbour
        neighbourTable[neighbour.address] = neighbour
    }

    public mutating func unpin(_ neighbour: Neighbour) throws(HALError) {
        try require(port: neighbour.port)
        if pins[neighbour.address] == neighbour { pins[neighbour.address] = nil }
    }

    private func require(port: String) throws(HALError) {
        guard settings.ports.contains(port) else {
            throw HALError(.missing, "there is no interface \(port)", mend: "use one of \(settings.ports)")
        }
    }
}
