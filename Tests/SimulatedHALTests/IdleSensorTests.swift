import HAL
import Primitives
import SimulatedHAL
import Testing

@Suite struct IdleSensorTests {
    private func board() async throws -> (SimulatedStation, SimulatedIdleSensor) {
        let station = SimulatedStation(seed: 3, clients: 1)
        _ = try await station.gate.open()
        return (station, SimulatedIdleSensor(station))
    }

    @Test func clientsTrafficCountsAndTheFirstPacketIsTold() async throws {
        let (station, sensor) = try await board()
        let before = try await sensor.activity()
        station.advance(by: .seconds(10))
        #expect(try await sensor.activity().clientPackets == before.clientPackets)
        async let first: Void = sensor.firstPacket()
        // It arms when it runs: traffic goes on until it has seen some.
        station.perform(.move(1, SimulatedTraffic(rateUp: 100_000, rateDown: 0)))
        let mover = Task {
            while !Task.isCancelled {
                station.advance(by: .milliseconds(100))
                await Task.yield()
            }
        }
        try await first
        mover.cancel()
        await mover.value
        #expect(try await sensor.activity().clientPackets > before.clientPackets)
    }

    @Test func aWaitThatIsCancelledEnds() async throws {
        let (_, sensor) = try await board()
        let wait = Task { try await sensor.firstPacket() }
        wait.cancel()
        await #expect(throws: CancellationError.self) { try await wait.value }
    }

    @Test func processesAndOthersUseTheProcessor() async throws {
        let (station, sensor) = try await board()
        sensor.set(othersPermille: 500)
        sensor.run(9, permille: 2_000)
        station.advance(by: .seconds(10))
        #expect(try await sensor.processorTime(of: 9) == .seconds(20))
        #expect(try await sensor.activity().busy == .seconds(25))
        sensor.run(9, permille: 9_000)  // no more than all cores
        station.advance(by: .seconds(1))
        #expect(try await sensor.processorTime(of: 9) == .seconds(24))
        #expect(try await sensor.activity().busy == .seconds(29))
        sensor.end(9)
        #expect(try await sensor.processorTime(of: 9) == nil)
    }

    @Test func faultsAreTold() async throws {
        let (station, sensor) = try await board()
        sensor.begin(.countersUnreadable)
        let error = await #expect(throws: HALError.self) { try await sensor.activity() }
        #expect(error?.kind == .broken)
        sensor.end(.countersUnreadable)
        sensor.begin(.listeningNotPermitted)
        await #expect(throws: HALError.self) { try await sensor.firstPacket() }
        sensor.begin(.congested)
        station.perform(.move(1, SimulatedTraffic(rateUp: 1_000_000, rateDown: 0)))
        station.advance(by: .seconds(1))
        let activity = try await sensor.activity()
        #expect(activity.packetsDropped > 0 && activity.packetsDropped == activity.clientPackets)
        sensor.set(available: ByteCount(bytes: 9), of: ByteCount(bytes: 5))
        #expect(try await sensor.activity().memoryAvailable.bytes == 5)
    }
}
