import Foundation
import HAL
import Lab
import LinuxHAL
import Netlink
import Primitives
import Testing

/// Tells loudly why kernel tests did not run.
let kernelTests = ConditionTrait.enabled(if: Namespace.isAvailable, "SKIPPED: needs root and network namespaces")

/// The rules as they are shipped.
let rulesTemplate: String = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    // Without it no test of the gate means anything.
    guard let text = try? String(contentsOf: root.appendingPathComponent("board/gate.nft"), encoding: .utf8) else {
        fatalError("board/gate.nft is missing")
    }
    return text
}()

extension LinuxPacketGate {
    static func inLab(_ lab: Topology, offload: Bool = false) -> LinuxPacketGate {
        var configuration = Configuration(lan: ["lan0"], wan: "wan0", template: rulesTemplate)
        configuration.rulesPath = "/tmp/\(lab.router.name)/gate.nft"
        configuration.turnsOffloadsOff = !offload
        configuration.namespace = NetworkNamespace(name: lab.router.name)
        return LinuxPacketGate(configuration)
    }

    func reading(_ mark: UInt32) throws -> GateReading {
        try #require(try readings().first { $0.mark.value == mark }, "client \(mark) has no account")
    }
}

func mark(_ value: UInt32) -> ClientMark { ClientMark(value)! }

extension GateEntry {
    /// A client of the lab with both of its addresses.
    static func of(
        _ client: Topology.Client, mark: UInt32, limit: UInt64? = nil, lease: Nanoseconds? = nil
    ) -> GateEntry {
        GateEntry(
            mark: ClientMark(mark)!, port: "lan0", mac: client.mac,
            addresses: Set(Family.allCases.compactMap { client.address($0) }), byteLimit: limit, lease: lease)
    }
}

/// A lab with an opened gate in its router, removed afterwards.
func withGate<Result>(
    clients: Int = 1, offload: Bool = false, pins: Bool = true,
    _ body: (Topology, LinuxPacketGate) async throws -> Result
) async throws -> Result {
    try await withTopology(Plan(clients: clients, isDirect: clients == 1, offload: offload, pinsNeighbours: pins)) { lab in
        let gate = LinuxPacketGate.inLab(lab, offload: offload)
        defer { try? FileManager.default.removeItem(atPath: "/tmp/\(lab.router.name)") }  // if it stays, it is in /tmp
        let found = try await gate.open()
        #expect(found.isEmpty)
        try lab.startInternet()
        return try await body(lab, gate)
    }
}
