import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// The paid byte, with the daemon and a real wallet: where it ends, and how it goes on.
@Suite(kernelTests, .serialized)
struct PaidByteTests {
    /// Eight floods, each on a limit of its own: cut off within a packet (a super-packet with offload), and topped up eight times.
    @Test(arguments: [false, true]) func serviceEndsAtThePaidByteAndGoesOnWithTheNext(offload: Bool) async throws {
        let configuration = (offload ? "keep_offload = true\n" : "") + RunningStation.perByte
        try await withStation(Plan(clients: 1, offload: offload), configuration: configuration) { running, _ in
            let lab = running.lab
            let channel = try running.openChannel(0)
            var limit: UInt64 = 0
            var wallet: LabProcess?
            for family in Family.allCases {
                for direction in [Traffic.Direction.send, .download] {
                    for size in [100, 1_400] {
                        limit += 200_000
                        wallet?.close()
                        let text = "0.\(String(100_000_000 + limit).dropFirst())"
                        wallet = try running.connect(0, channel, limit: text)
                        _ = try await lab.move(
                            Traffic(direction, bytes: 600_000, size: size, rate: 3_000_000, idle: 0.4), client: 0, over: family)
                        let carried = try running.wire.carriedAtLast(client: 0, calm: .milliseconds(50))
                        let all = carried.up + carried.down
                        let words = "\(direction) of \(size) bytes over \(family)"
                        #expect(all <= limit, "\(words)")
                        #expect(all + 1_500 > limit, "\(words)")
                    }
                }
            }
            try await running.leave(try #require(wallet))
            try running.expect(channel, paysFor: running.wire.carriedAtLast(client: 0))
        }
    }

    /// Payments in small steps under steady traffic: no packet is missing between one and the next.
    @Test func aSteadyPayerNoticesNothing() async throws {
        try await withStation(Plan(clients: 1)) { running, _ in
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel)
            let report = try await running.lab.move(.download(bytes: 900_000, rate: 150_000), client: 0)
            #expect(report.ended == .complete && report.payloadBytes == 900_000)
            try await running.leave(wallet)
            #expect(try running.channel(channel).voucherSequence >= 3)
            try running.expect(channel, paysFor: running.wire.carriedAtLast(client: 0))
        }
    }
}
