import Charging
import OrderedCollections
import Primitives
import SimulatedHAL
import Testing

/// Anything that can happen, in any order; everything that must hold, after each of it.
@Suite struct EngineProperties {
    private struct Run {
        var world = World()
        var random: SplitMix64
        var buyers: [Buyer]
        var tariffs: [Tariff]
        var codes: [AccessCode] = []
        var sessions: UInt128 = 0
        var refused = 0
        let mayCrash: Bool

        init(seed: UInt64, mayCrash: Bool) {
            random = SplitMix64(seed: seed)
            self.mayCrash = mayCrash
            buyers = (1...3).map { Buyer($0 + 10, deposit: QLC(units: 2_000_000)) }
            var random = random
            tariffs = (0..<3).map { _ in .random(&random) } + [Tariff(id: "free")]
            self.random = random
        }

        mutating func start() {
            for buyer in buyers { submit(.channel(.opened(buyer.channel))) }
            for number: UInt32 in 1...3 {
                codes.append(
                    AccessCode(
                        number: number, digest: Bytes32([UInt8](repeating: UInt8(number), count: 32))!,
                        allowance: random.chance(50) ? .bytes(random.number(0...900_000)) : .seconds(random.number(0...400)),
                        createdAt: world.now.wall,
                        validUntil: random.chance(50) ? WallTime(secondsSince1970: world.now.wall.secondsSince1970 + 900) : nil))
            }
            submit(.codesCreated(codes))
        }

        /// A refused event changes nothing; an accepted one keeps every invariant.
        mutating func submit(_ event: ChargingEvent) {
            let before = Visible(world.engine)
            let crash: World.Crash =
                !mayCrash || !random.chance(6) ? .none : random.chance(50) ? .beforeDisk : .betweenDiskAndKernel
            do {
                try world.handle(event, crash: crash)
                if crash == .betweenDiskAndKernel { world.hasCrashedMidway = true }
                if crash != .none { world.restart(sameBoot: true) }
            } catch {
                refused += 1
                #expect(Visible(world.engine) == before, "refused, and yet something changed: \(error)")
            }
            world.expectInvariants()
        }

        mutating func step() {
            switch random.next() % 20 {
            case 0..<3: open()
            case 3..<6: pay()
            case 6..<13: use()
            case 13: submit(.seen(port: "lan", mac: device(), addresses: [address(), address()]))
            case 14: random.chance(50) ? submit(.away(port: "lan", mac: device(), since: world.now.boot)) : endOne()
            case 15: change()
            case 16: if mayCrash || random.chance(30) { start(anew: random.next() % 4) }
            case 17: world.wallAtZero += random.pick([1, -1, 60, 3_600, -3_600, 40_000, -86_400])
            case 18: random.chance(90) ? world.expectDiskKnowsAsMuch() : submit(.save)
            default: hostile()
            }
        }

        private mutating func device() -> MACAddress { .device(random.number(1...5)) }
        private mutating func address() -> IPAddress { .host(random.number(1...7)) }

        private mutating func open() {
            let mac = device()
            sessions += 1
            let who = Int(random.next() % 3)
            let payment: OpenRequest.Payment =
                switch random.next() % 6 {
                case 0: .free
                case 1, 2: .code(random.pick(codes).digest)
                default: .channel(buyers[who].acceptance(for: random.chance(95) ? mac : device()))
                }
            submit(
                .open(
                    OpenRequest(
                        id: SessionID(sessions), port: "lan", mac: mac, addresses: [address(), .host(mac.value & 7)],
                        tariff: random.pick(tariffs), payment: payment)))
        }

        private mutating func pay() {
            let who = Int(random.next() % 3)
            let paid = world.engine.channels[buyers[who].channel.id]?.paid ?? .zero
            submit(.paid(buyers[who].voucher(paid + QLC(units: random.magnitude(upTo: 17)))))
        }

        private mutating func use() {
            for _ in 0..<random.number(1...3) {
                for id in world.engine.sessions.keys where random.chance(70) {
                    world.carry(up: random.magnitude(upTo: 21), down: random.magnitude(upTo: 21), for: id)
                }
                world.pass(Nanoseconds(Int64(random.magnitude(upTo: random.chance(3) ? 42 : 34))))
            }
            submit(.sampled(world.gate.readings))
            if !mayCrash { world.expectAllCounted() }
        }

        private mutating func endOne() {
            guard let id = world.engine.sessions.keys.randomElement(using: &random) else { return }
            submit(.end(id, .disconnected))
        }

        private mutating func change() {
            let buyer = random.pick(buyers)
            switch random.next() % 7 {
            case 0: if random.chance(20) { submit(.channel(.closed(buyer.channel.id))) }
            case 1: submit(.channel(.toppedUp(buyer.channel.id, deposit: QLC(units: random.number(1_900_000...3_000_000)))))
            case 2: submit(.channel(.opened(buyer.channel)))
            case 3: submit(.codeRevoked(number: UInt32(random.number(1...4))))
            case 4: submit(.block(device(), true))
            default: submit(.block(device(), false))
            }
        }

        private mutating func start(anew how: UInt64) {
            switch how {
            case 0: world.restart(sameBoot: false)
            case 1: world.loseGate()
            default: world.restart(sameBoot: true)
            }
            world.expectInvariants()
            world.expectAllCounted()
        }

        private mutating func hostile() {
            let who = Int(random.next() % 3)
            let (vouchers, acceptances) = (buyers[who].vouchers, buyers[who].acceptances)
            let event: ChargingEvent =
                switch random.next() % 5 {
                case 0: .paid(buyers[who].voucher(.supply))
                case 1: .paid(buyers[who].voucher(QLC(units: 1), sequence: 0))
                case 2: .paid(buyers[who].voucher(QLC(units: 5), by: buyers[(who + 1) % 3].key))
                case 3: .end(SessionID(.max), .left)
                default: .drained([0, 1, 2, 3, .max])
                }
            submit(event)
            (buyers[who].vouchers, buyers[who].acceptances) = (vouchers, acceptances)
        }
    }

    private func run(_ seed: UInt64, mayCrash: Bool) {
        var run = Run(seed: seed, mayCrash: mayCrash)
        run.start()
        for _ in 0..<250 { run.step() }
        #expect(run.world.serves > 0)
    }

    @Test(arguments: seeds(60))
    func holdWhateverHappens(_ seed: UInt64) { run(seed, mayCrash: false) }

    @Test(arguments: seeds(60))
    func holdWhenThePowerOrTheProgramFails(_ seed: UInt64) { run(seed &+ 1_000_000, mayCrash: true) }
}
