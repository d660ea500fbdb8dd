import HAL
import Primitives
import SimulatedHAL
import Testing

/// What docs/architecture.md promises of the kernel's gate, asked of the simulated one.
@Suite struct GateModelTests {
    static let mark = ClientMark(1)!

    static func world(clients: Int = 2, flaws: Set<SimulatedGateModel.Flaw> = []) throws -> SimulatedWorld {
        var settings = SimulatedWorld.Settings(seed: 7)
        (settings.ports, settings.uplink, settings.gateFlaws) = (["sim0"], "sim1", flaws)
        var world = SimulatedWorld(settings, script: (1...clients).map { SimulatedScriptStep(at: .zero, .join($0)) })
        world.advance(to: .zero)
        #expect(try world.openGate() == [])
        return world
    }

    static func entry(
        _ world: SimulatedWorld, client: Int = 1, mark: ClientMark = mark, limit: UInt64?, lease: Nanoseconds? = nil
    ) throws -> GateEntry {
        let device = try #require(world.simulatedClient(client))
        return GateEntry(
            mark: mark, port: device.port, mac: device.mac, addresses: Set(device.addresses), byteLimit: limit, lease: lease)
    }

    /// 1 MB/s down and 100 kB/s up until told otherwise.
    static func traffic(_ world: inout SimulatedWorld, client: Int = 1) {
        world.perform(.move(client, SimulatedTraffic(rateUp: 100_000, rateDown: 1_000_000)))
    }

    static func carried(_ world: SimulatedWorld, _ client: Int = 1) throws -> UInt64 {
        let client = try #require(world.client(client))
        return client.carriedUp + client.carriedDown
    }

    @Test func anUnknownDevicePassesNothing() throws {
        var world = try Self.world()
        Self.traffic(&world)
        world.advance(by: .seconds(5))
        #expect(try Self.carried(world) == 0)
        #expect(try world.readings() == [])
    }

    @Test(arguments: [UInt64(1), 1_499, 1_500, 100_000, 2_000_000]) func noByteBeyondTheQuota(limit: UInt64) throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: limit))])
        Self.traffic(&world)
        world.advance(by: .seconds(10))
        let carried = try Self.carried(world)
        #expect(carried <= limit)
        #expect(limit - carried < 1_500, "less than a packet is left over")
        let reading = try #require(try world.readings().first)
        #expect(reading.bytesUp + reading.bytesDown == carried)
    }

    @Test func whatIsDroppedAfterTheCutDoesNotEatTheNextTopUp() throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: 1_000_000))])
        Self.traffic(&world)
        world.advance(by: .seconds(20))
        let before = try Self.carried(world)
        #expect(world.gate.isLatched(Self.mark))
        try world.apply([.serve(Self.entry(world, limit: 3_000_000))])
        world.advance(by: .seconds(20))
        #expect(try Self.carried(world) > 3_000_000 - 1_500 && before <= 1_000_000)
        #expect(try Self.carried(world) <= 3_000_000)
    }

    @Test(arguments: [SimulatedGateModel.Flaw.noLatch, .crossingPacketPasses]) func aFlawedGateIsNoticed(
        flaw: SimulatedGateModel.Flaw
    ) throws {
        var world = try Self.world(flaws: [flaw])
        try world.apply([.serve(Self.entry(world, limit: 1_000_100))])
        Self.traffic(&world)
        world.advance(by: .seconds(20))
        try world.apply([.serve(Self.entry(world, limit: 3_000_100))])
        world.advance(by: .seconds(20))
        let carried = try Self.carried(world)
        #expect(carried > 3_000_100 || carried + 1_500 < 3_000_100)
    }

    @Test func serviceEndsWithTheLease() throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: nil, lease: .seconds(2)))])
        Self.traffic(&world)
        world.advance(by: .seconds(10))
        let carried = try Self.carried(world)
        #expect((2_100_000...2_250_000).contains(carried))
        world.advance(by: .seconds(5))
        #expect(try Self.carried(world) == carried)
    }

    @Test func anAddressLeadsToOneClientOnly() throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: nil))])
        var thief = try Self.entry(world, client: 2, mark: ClientMark(2)!, limit: nil)
        thief.addresses = try Self.entry(world, limit: nil).addresses
        let error = #expect(throws: HALError.self) {
            try world.apply([.stop(Self.mark), .serve(thief), .serve(Self.entry(world, limit: nil))])
        }
        #expect(error?.kind == .busy)
        #expect(world.gate.isServing(Self.mark, at: world.elapsed), "all or nothing")
    }

    @Test func stoppingKeepsTheCountersAndForgettingDoesNot() throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: nil))])
        Self.traffic(&world)
        world.advance(by: .seconds(1))
        try world.apply([.stop(Self.mark)])
        let counted = try world.readings()
        world.advance(by: .seconds(5))
        #expect(try world.readings() == counted && counted.count == 1)
        try world.apply([.forget(Self.mark)])
        #expect(try world.readings() == [])
    }

    @Test func entriesOutliveTheAgentButNotTheBoard() throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: nil))])
        #expect(try world.openGate() == [Self.mark], "the next agent finds them")
        let boot = world.bootID
        world.perform(.fault(.reboot, lasting: .seconds(20)))
        world.advance(by: .seconds(30))
        #expect(try world.openGate() == [])
        #expect(world.bootID != boot)
    }

    @Test(arguments: SimulatedDisguise.allCases) func aSpooferPassesNothing(disguise: SimulatedDisguise) throws {
        var world = try Self.world()
        try world.apply([.serve(Self.entry(world, limit: nil))])
        world.perform(.disguise(2, as: 1, disguise))
        Self.traffic(&world, client: 2)
        world.advance(by: .seconds(5))
        #expect(try Self.carried(world, 2) == 0)
    }

    @Test func theSameSeedIsTheSameWorld() throws {
        func run() throws -> [GateReading] {
            var world = try Self.world()
            try world.apply([.serve(Self.entry(world, limit: 5_000_000, lease: .seconds(3)))])
            Self.traffic(&world)
            world.advance(by: .seconds(4))
            return try world.readings()
        }
        #expect(try run() == run())
    }
}
