import Consensus
import HeapModule
import Ledger
import Node
public import Primitives
import SimulatedHAL

/// A network of delegates in one process, from one seed: delays, loss, partitions, clocks that differ, crashes with lost writes, disks
/// restored from copies, and delegates that cheat. Every promise is checked at every step.
///
/// Faults last for a while; then the network heals, cheats go on cheating, and blocks have to come in bounded time.
public struct NetworkSimulation: Sendable {
    public struct Settings: Sendable {
        public var seed: UInt64
        /// Delegates, beside one node that only follows. nil: 4 to 7.
        public var delegates: Int?
        /// Of the delegates so many cheat; nil: as many as a third of the power allows.
        public var cheats: Int?
        /// What all cheats do; nil: each something else.
        public var tricks: Set<ByzantineTrick>?
        public var faultsLast = Nanoseconds.seconds(40)
        /// Milliseconds between two faults, and what they are: what stands there twice comes twice as often.
        public var faultPace = 300...4_000
        public var faults = NetworkFault.mixture
        /// Of a thousand messages.
        public var worstLoss = 400
        /// One in so many blocks is synced also when nobody votes on top of it.
        public var syncPace = 2
        /// A crash after one in so many actions; nil: none.
        public var crashPace: Int? = 2_000
        /// A crash after one in so many decisions, before anybody hears of it and the block is synced.
        public var decisionCrashPace = 50
        /// After healing, everybody has to have three more blocks within.
        public var healsWithin = Nanoseconds.seconds(240)
        /// Whether delegates lose their seats for missing half of an epoch's blocks; nil: in half of the networks without cheats. A third
        /// of the power means fewer when others are jailed.
        public var jailsAbsentees: Bool?
        public var mutations: Set<NetworkMutation> = []
        public var keepsLog = false

        public init(seed: UInt64) { self.seed = seed }
    }

    enum Event {
        case deliver(ChainMessage, to: Int, from: Int, lives: [Int])
        case timer(node: Int, life: Int, ChainNode.Timer)
        case transaction
        case fault
        case restart(node: Int, fromCopy: Bool)
        case clock(node: Int)
        case heal
    }

    struct Scheduled: Comparable {
        var at: Instant
        var sequence: Int
        var event: Event
        static func < (left: Scheduled, right: Scheduled) -> Bool { (left.at, left.sequence) < (right.at, right.sequence) }
        static func == (left: Scheduled, right: Scheduled) -> Bool { left.sequence == right.sequence }
    }

    let settings: Settings
    let timing = ConsensusTiming()
    var random: SplitMix64
    var now = Instant.zero
    var nodes: [SimulatedDelegate] = []
    /// Which node has that key.
    let numbers: [PublicKey: Int]
    var queue = Heap<Scheduled>()
    private var sequence = 0
    /// Of the latest message that came over a link.
    var arrived: [Link: Int] = [:]
    /// Where each node is; messages do not cross.
    var side: [Int] = []
    var lossPerMille = 0
    var slowest = Nanoseconds.milliseconds(80)
    var hasHealed = false
    var checker: NetworkChecker
    var wallets: SimulatedWallets
    let jailsAbsentees: Bool
    let verdicts = KnownVerdicts()
    /// What cheats have said to whom, so that they do not repeat themselves.
    var told: Set<Told> = []
    public internal(set) var report = SimulationReport()
    public private(set) var log: [String] = []

    public init(_ settings: Settings) {
        self.settings = settings
        var random = SplitMix64(seed: settings.seed)
        let count = settings.delegates ?? random.number(4...7)
        let keys = (0...count).map { _ in PrivateKey(seed: random.bytes(32))! }
        let stakes = (0..<count).map { _ in UInt64(random.number(9_500...10_500)) }
        let cheats = settings.cheats ?? random.number(0...(count - 1) / 3)
        jailsAbsentees = cheats == 0 && (settings.jailsAbsentees ?? random.chance(1, in: 2))
        let publicKeys = keys.map(\.publicKey)
        wallets = SimulatedWallets(&random)
        let delegates = zip(publicKeys, stakes).map { Genesis.FirstDelegate($0, stake: QLC(units: $1 * 100 * QLC.unitsPerQLC)) }
        let genesis = wallets.genesis(delegates, jailsAbsentees: jailsAbsentees)
        numbers = Dictionary(uniqueKeysWithValues: zip(publicKeys, 0...))
        for number in 0...count {
            let tricks = number < cheats ? settings.tricks ?? ByzantineTrick.some(&random) : []
            nodes.append(
                SimulatedDelegate(
                    number: number, key: keys[number], publicKey: publicKeys[number], isDelegate: number < count, tricks: tricks,
                    clockOffset: random.number(-700...700)))
        }
        side = Array(repeating: 0, count: nodes.count)
        checker = NetworkChecker(genesis: genesis, honest: nodes.map { $0.isHonest ? $0.publicKey : nil }.compactMap(\.self))
        self.random = random
        report.seeds = 1
    }

    /// Runs many networks one after the other.
    public static func run(seeds: Range<UInt64>, configure: (inout Settings) -> Void = { _ in }) -> SimulationReport {
        var total = SimulationReport()
        for seed in seeds {
            var settings = Settings(seed: seed)
            configure(&settings)
            var simulation = NetworkSimulation(settings)
            total.add(simulation.run())
        }
        return total
    }

    /// Runs until everybody has got over the faults, or the first violation.
    public mutating func run() -> SimulationReport { PublicKey.$verdicts.withValue(verdicts) { runToItsEnd() } }

    private mutating func runToItsEnd() -> SimulationReport {
        note { $0.cast }
        for node in nodes.indices { start(node, isWhole: true) }
        schedule(.transaction, after: .milliseconds(300))
        schedule(.fault, after: .milliseconds(500))
        schedule(.heal, after: settings.faultsLast)
        let end = Instant.zero + settings.faultsLast + settings.healsWithin
        while report.violations.isEmpty, let next = queue.popMin() {
            now = next.at
            if now > end {
                violated(.progress, "heights \(nodes.map(\.height)) at the end, \(checker.heightAtHealing) when it healed")
                break
            }
            report.steps += 1
            report.mix(UInt64(now.nanoseconds))
            if case .deliver(_, let node, let sender, _) = next.event { noteOrder(of: next.sequence, to: node, from: sender) }
            perform(next.event)
            if hasHealed, hasEverybodyRecovered { break }
        }
        if report.violations.isEmpty { checkEnd() }
        report.virtualTime = Nanoseconds(now.nanoseconds)
        report.blocks = checker.chain.count
        for certified in checker.chain { report.mix(certified.block.header.time) }
        return report
    }

    private mutating func perform(_ event: Event) {
        switch event {
        case .deliver(let message, let node, let sender, let lives): deliver(message, to: node, from: sender, lives: lives)
        case .timer(let node, let life, let timer): if nodes[node].life == life { handle(.timer(timer), at: node) }
        case .transaction:
            offerTransaction()
            schedule(.transaction, after: random.milliseconds(200...3_000))
        case .fault:
            if !hasHealed {
                strike(random.pick(settings.faults))
                schedule(.fault, after: random.milliseconds(settings.faultPace))
            }
        case .restart(let node, let fromCopy): restart(node, fromCopy: fromCopy)
        case .clock(let node): setClock(of: node, to: random.number(-700...700))
        case .heal: heal()
        }
    }

    mutating func schedule(_ event: Event, after delay: Nanoseconds) {
        sequence += 1
        queue.insert(Scheduled(at: now + delay, sequence: sequence, event: event))
    }

    /// The time a node reads off its clock.
    func clock(of node: Int) -> BlockTime? {
        nodes[node].clockOffset.map { BlockTime(Int64(SimulatedWallets.genesisTime) + now.nanoseconds / 1_000_000 + Int64($0)) }
    }

    private var cast: String {
        nodes.map { node in
            let tricks = node.tricks.map(\.rawValue).sorted().joined(separator: ", ")
            return "node \(node.number) \(node.isDelegate ? node.isHonest ? "is honest" : tricks : "follows")"
        }.joined(separator: "; ")
    }

    mutating func meet(_ what: String, _ times: Int = 1) { report.coverage[what, default: 0] += times }

    mutating func note(_ line: (NetworkSimulation) -> String) {
        guard settings.keepsLog else { return }
        log.append("\(now.nanoseconds / 1_000_000) ms: \(line(self))")
    }

    mutating func violated(_ promise: SimulationViolation.Promise, _ what: String) {
        note { _ in "VIOLATION \(promise.rawValue): \(what)" }
        guard report.violations.count < SimulationReport.violationLimit else { return }
        report.violations.append(
            SimulationViolation(promise: promise, seed: settings.seed, step: report.steps, at: now, what: what))
    }
}
