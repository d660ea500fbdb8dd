public import Primitives

/// One thing that happens in the simulated world, and when.
public struct SimulatedScriptStep: Hashable, Sendable {
    /// Since the world began; boots and clock jumps do not change it.
    public var at: Instant
    public var deed: SimulatedDeed

    public init(at: Instant, _ deed: SimulatedDeed) {
        self.at = at
        self.deed = deed
    }
}

/// What clients, the air and fate can do. Clients go by number.
public enum SimulatedDeed: Hashable, Sendable {
    /// Comes into reach of a port (its place in the list of ports) and gets its addresses.
    case join(Int, SimulatedStack = .dual, port: Int = 0)
    /// Politely: the link says so. Else it just falls silent.
    case leave(Int, politely: Bool)
    /// Comes back under another MAC, with other addresses.
    case roam(Int)
    /// Other addresses under the same MAC.
    case changeAddress(Int)
    /// One more IPv6 address (RFC 8981), used from now on beside the others.
    case addPrivacyAddress(Int)
    case move(Int, SimulatedTraffic)
    /// Stays, and moves nothing.
    case stall(Int)
    /// Sends in the name of another client.
    case disguise(Int, as: Int, SimulatedDisguise)
    case undisguise(Int)
    /// nil: until ``faultEnds(_:)``.
    case fault(SimulatedFault, lasting: Nanoseconds?)
    case faultEnds(SimulatedFault)
}

/// Which Internet protocols a client speaks.
public enum SimulatedStack: String, Hashable, Sendable, CaseIterable {
    case v4, v6, dual
}

/// What a spoofer takes from its victim.
public enum SimulatedDisguise: String, Hashable, Sendable, CaseIterable {
    case mac, addresses, both
}

/// Bytes that a client wants to move, as IP packets.
public struct SimulatedTraffic: Hashable, Sendable {
    /// Bytes a second while a burst lasts.
    public var rateUp: UInt64
    public var rateDown: UInt64
    /// IP bytes a packet, 1 to 65,535.
    public var packetUp: UInt64
    public var packetDown: UInt64
    /// Moves for so long, pauses for so long, and so on. No pause: a steady stream.
    public var burst: Nanoseconds
    public var pause: Nanoseconds
    /// nil: until told otherwise.
    public var lasting: Nanoseconds?

    public init(
        rateUp: UInt64 = 0, rateDown: UInt64 = 0, packetUp: UInt64 = 1500, packetDown: UInt64 = 1500,
        burst: Nanoseconds = .seconds(1), pause: Nanoseconds = .zero, lasting: Nanoseconds? = nil
    ) {
        self.rateUp = rateUp
        self.rateDown = rateDown
        self.packetUp = min(max(packetUp, 1), 65_535)
        self.packetDown = min(max(packetDown, 1), 65_535)
        self.burst = max(burst, .milliseconds(1))
        self.pause = max(pause, .zero)
        self.lasting = lasting
    }

    /// How much of the time since the world began was burst.
    func burstTime(at instant: Instant) -> Int64 {
        let period = burst.count + pause.count
        return instant.nanoseconds / period * burst.count + min(instant.nanoseconds % period, burst.count)
    }
}

/// What can go wrong. Raw values are what `basestation sim fault` takes.
public enum SimulatedFault: String, Hashable, Sendable, CaseIterable {
    /// Nobody hears the access point; its interface stays up without a carrier.
    case radioGone = "radio-gone"
    /// Someone flushed the ruleset: the gate is gone with all it held. At once; `open()` makes a new one.
    case countersReset = "counters-reset"
    case interfaceDown = "interface-down"
    /// The wall clock jumps by up to a day either way. At once.
    case clockJump = "clock-jump"
    /// The wall clock says 1970 while this lasts.
    case clockUnset = "clock-unset"
    /// The store's failure is the store's: see ``SimulatedWorld/isDiskFull``.
    case diskFull = "disk-full"
    /// No change is taken; counters can be read.
    case gateBusy = "gate-busy"
    /// Counters cannot be read; changes are taken.
    case gateInterrupted = "gate-interrupted"
    case gateNotPermitted = "gate-not-permitted"
    /// Power gone for as long as it lasts, 20 seconds if not said.
    case reboot = "reboot"
}

extension SimulatedScriptStep {
    /// What random scripts are made of.
    public struct Mixture: Hashable, Sendable {
        /// Numbers of those who behave.
        public var clients: ClosedRange<Int>
        /// Numbers of those who spoof; nil: nobody.
        public var spoofers: ClosedRange<Int>?
        public var faults: [SimulatedFault]
        /// Mean time between two deeds of one client, and between two faults.
        public var clientPace: Nanoseconds
        public var faultPace: Nanoseconds

        public init(
            clients: ClosedRange<Int> = 1...6, spoofers: ClosedRange<Int>? = 7...7,
            faults: [SimulatedFault] = SimulatedFault.allCases, clientPace: Nanoseconds = .seconds(20),
            faultPace: Nanoseconds = .seconds(30)
        ) {
            self.clients = clients
            self.spoofers = spoofers
            self.faults = faults
            self.clientPace = clientPace
            self.faultPace = faultPace
        }
    }

    /// A script from a seed, in order of time. Clients join in the first seconds; nobody is told to be sensible.
    public static func random(seed: UInt64, lasting: Nanoseconds, _ mixture: Mixture = Mixture()) -> [SimulatedScriptStep] {
        var random = SplitMix64(seed: seed)
        var steps: [SimulatedScriptStep] = []
        for number in mixture.clients { steps += clientLife(number, lasting: lasting, mixture, random.split()) }
        for number in mixture.spoofers.map(Array.init) ?? [] {
            steps += spooferLife(number, lasting: lasting, mixture, random.split())
        }
        if !mixture.faults.isEmpty {
            var random = random.split()
            var at = pause(around: mixture.faultPace, &random)
            while at.nanoseconds < lasting.count {
                steps.append(SimulatedScriptStep(at: at, fault(among: mixture.faults, &random)))
                at = at + Nanoseconds(pause(around: mixture.faultPace, &random).nanoseconds)
            }
        }
        // Stable, so that the order of equal times is the order in which they were made.
        return steps.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    private static func pause(around mean: Nanoseconds, _ random: inout SplitMix64) -> Instant {
        Instant(nanoseconds: Int64(random.number(1...Int(2 * mean.count))))
    }

    private static func clientLife(
        _ number: Int, lasting: Nanoseconds, _ mixture: Mixture, _ seed: SplitMix64
    ) -> [SimulatedScriptStep] {
        var random = seed
        var at = Instant.zero + random.milliseconds(10...5_000)
        var steps = [SimulatedScriptStep(at: at, .join(number, random.pick(SimulatedStack.allCases)))]
        steps.append(SimulatedScriptStep(at: at, .move(number, traffic(&random))))
        while true {
            at = at + Nanoseconds(pause(around: mixture.clientPace, &random).nanoseconds)
            guard at.nanoseconds < lasting.count else { return steps }
            switch random.number(0...19) {
            case 0...9: steps.append(SimulatedScriptStep(at: at, .move(number, traffic(&random))))
            case 10, 11: steps.append(SimulatedScriptStep(at: at, .stall(number)))
            case 12: steps.append(SimulatedScriptStep(at: at, .roam(number)))
            case 13, 14: steps.append(SimulatedScriptStep(at: at, .changeAddress(number)))
            case 15, 16: steps.append(SimulatedScriptStep(at: at, .addPrivacyAddress(number)))
            default:
                steps.append(SimulatedScriptStep(at: at, .leave(number, politely: random.chance(1, in: 2))))
                at = at + random.milliseconds(100...15_000)
                steps.append(SimulatedScriptStep(at: at, .join(number, random.pick(SimulatedStack.allCases))))
                steps.append(SimulatedScriptStep(at: at, .move(number, traffic(&random))))
            }
        }
    }

    private static func spooferLife(
        _ number: Int, lasting: Nanoseconds, _ mixture: Mixture, _ seed: SplitMix64
    ) -> [SimulatedScriptStep] {
        var random = seed
        var at = Instant.zero + random.milliseconds(1_000...8_000)
        var steps = [SimulatedScriptStep(at: at, .join(number, .dual, port: random.number(0...1)))]
        steps.append(SimulatedScriptStep(at: at, .move(number, traffic(&random))))
        while true {
            at = at + Nanoseconds(pause(around: mixture.clientPace, &random).nanoseconds)
            guard at.nanoseconds < lasting.count else { return steps }
            if random.chance(3, in: 4) {
                let victim = random.number(mixture.clients)
                steps.append(SimulatedScriptStep(at: at, .disguise(number, as: victim, random.pick(SimulatedDisguise.allCases))))
            } else {
                steps.append(SimulatedScriptStep(at: at, .undisguise(number)))
            }
        }
    }

    private static func traffic(_ random: inout SplitMix64) -> SimulatedTraffic {
        let rates: [UInt64] = [0, 200, 5_000, 64_000, 500_000, 5_000_000]
        let sizes: [UInt64] = [40, 64, 576, 1_280, 1_500, 1_500, 1_500, 65_535]
        return SimulatedTraffic(
            rateUp: random.pick(rates), rateDown: random.pick(rates), packetUp: random.pick(sizes),
            packetDown: random.pick(sizes),
            burst: random.milliseconds(20...3_000), pause: random.chance(1, in: 2) ? .zero : random.milliseconds(10...4_000))
    }

    private static func fault(among faults: [SimulatedFault], _ random: inout SplitMix64) -> SimulatedDeed {
        let fault = random.pick(faults)
        switch fault {
        case .countersReset, .clockJump: return .fault(fault, lasting: .zero)
        case .reboot: return .fault(fault, lasting: random.milliseconds(1_000...20_000))
        default: return .fault(fault, lasting: random.milliseconds(300...12_000))
        }
    }
}
