import HAL
import Lab
import LinuxHAL
import Primitives
import Testing

/// Counted = carried, on the real kernel.
@Suite(kernelTests, .serialized)
struct GateCountingTests {
    @Test(arguments: Family.allCases, [false, true])
    func countedBytesAreTheInterfacesBytes(family: Family, offload: Bool) async throws {
        try await withGate(offload: offload) { lab, gate in
            try await gate.apply([.serve(.of(lab.clients[0], mark: 5))])
            let wire = try WireCounter(lab)
            try lab.settle()
            let before = try lab.router.statistics(of: "lan0")
            for size in [1, 64, 700, 1_400] {
                for direction in [Traffic.Direction.upload, .download] {
                    let traffic = Traffic(direction, packets: 500, size: size, rate: UInt64(size) * 20_000)
                    let report = try await lab.move(traffic, client: 0, over: family)
                    #expect(report.ended == .complete, "\(direction) of \(size) bytes a packet")
                }
            }
            for direction in [Traffic.Direction.upload, .download] {
                let report = try await lab.move(Traffic(direction, over: .tcp, bytes: 3_000_001), client: 0, over: family)
                #expect(report.ended == .complete, "TCP \(direction)")
            }
            let carried = try wire.carriedAtLast(client: 0)
            let interface = try lab.router.statistics(of: "lan0") - before
            let counted = try await gate.reading(5)
            #expect(counted.bytesUp == interface.rx.payloadBytes)
            #expect(counted.bytesDown == interface.tx.payloadBytes)
            #expect(counted.packetsUp == interface.rx.packets)
            #expect(counted.packetsDown == interface.tx.packets)
            #expect(counted.bytesUp == carried.up)
            #expect(counted.bytesDown == carried.down)
        }
    }
}
