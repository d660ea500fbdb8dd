import Idleness
public import Primitives
import Stratum

/// `[mining]`: what the station hashes for while nobody needs it.
extension Section {
    static let mining = Section(
        name: "mining",
        meaning:
            "Mining while the board is idle. Without `pools` and `node` there is none. What stands against mining now: `basestation mining status`.",
        keys: [
            Key(
                "pools", \.mining.pools, .pools(0...8), example: "[\"tls://pool.example.org:3443\"]",
                "Pools of RandomX, the best first: `tcp://host:port`, or `tls://host:port`; behind `#`, the SHA-256 of the certificate that alone is taken there, or `any` for none at all."
            ),
            Key(
                "login", \.mining.login, .text(0...200), example: "\"4ADDRESS\"",
                "Who is paid: with pools most often a Monero address; with `node` one in any case."
            ),
            Key(
                "password", \.mining.password, .text(0...100), example: "\"x\"",
                "What pools ask for beside it; most take anything. It is no secret: whoever sees the configuration sees it."),
            Key("rig", \.mining.rig, .text(0...40), example: "\"roof\"", "The station's name at the pool."),
            Key(
                "node", \.mining.node, .endpoint, example: "\"127.0.0.1:18081\"",
                "A `monerod` of one's own instead of pools: the station mines alone, and what it finds is all its own."),
            Key(
                "mode", \.mining.mode, .choice, example: "\"auto\"",
                "`auto`: fast (2.3 GB of memory) where there is room, else light (256 MiB); `light`: never more than that."),
            Key(
                "threads", \.mining.threads, .number(0...64), example: "0",
                "Threads that hash; 0: as many as the board has cores."),
            Key(
                "huge_pages", \.mining.usesHugePages, .flag, example: "true",
                "Pages of 2 MiB where the kernel has reserved any: some more hashes for the same heat."),
            Key(
                "hours", \.mining.hours, .hours, example: "[\"22:00-07:00\"]",
                "When it may mine, by the owner's clock; left out: always."),
            Key(
                "utc_offset_minutes", \.mining.utcOffsetMinutes, .number(-840...840), example: "60",
                "How far the owner's clock is ahead of UTC."),
            Key(
                "quiet", \.mining.quiet, .time(.seconds(1) ... .seconds(300)), example: "\"10s\"",
                "So long clients must be quiet before it mines; it grows by itself where that turns out too short."),
            Key(
                "load_percent", \.mining.loadPercent, .number(5...100), example: "40",
                "It stops when other programs use so much of the processor, and goes on at half of it."),
            Key(
                "hot_celsius", \.mining.hotCelsius, .number(20...120), example: "70",
                "It stops from here on and goes on 8 °C below; at least 5 below the board's own `hot_celsius`."),
            Key(
                "battery_percent", \.mining.batteryPercent, .number(1...100), example: "90",
                "On battery it mines from this charge on; left out: never."),
            Key(
                "memory_reserve", \.mining.memoryReserve, .data, example: "\"128MiB\"",
                "So much memory stays free for others beside the miner's."),
            Key(
                "miner", \.mining.miner, .text(0...200), example: "\"\"",
                "The program that hashes, or the socket where systemd starts it; left out: the one that came with the daemon."),
        ])
}

/// What the station hashes for, and when.
public struct MiningConfiguration: Hashable, Sendable {
    public enum Mode: String, Hashable, Sendable, CaseIterable { case auto, light }

    /// `tcp://host:port` or `tls://host:port#FINGERPRINT`, the best first.
    public var pools: [String] = []
    public var login = ""
    public var password = "x"
    public var rig = ""
    /// An `Endpoint`; "" for none.
    public var node = ""
    public var mode = Mode.auto
    /// 0: one for each core.
    public var threads: UInt8 = 0
    public var usesHugePages = true
    /// `DailyHours`; empty: always.
    public var hours: [String] = []
    public var utcOffsetMinutes = 0
    public var quiet = Nanoseconds.seconds(10)
    public var loadPercent: UInt64 = 40
    public var hotCelsius: Int32 = 70
    /// nil: never on battery.
    public var batteryPercent: UInt8?
    /// Bytes.
    public var memoryReserve: UInt64 = 128 << 20
    /// A path; "": what came with the daemon.
    public var miner = ""

    public init() {}

    public var isOn: Bool { !pools.isEmpty || !node.isEmpty }

    /// What contradicts itself, and the key to blame.
    func contradictions(hot: Int32) -> [(key: String, what: String, mend: String)] {
        guard isOn else { return [] }
        var found: [(key: String, what: String, mend: String)] = []
        if !pools.isEmpty, !node.isEmpty {
            found.append(("node", "both a node and pools are named", "mine alone with node, or with others with pools"))
        }
        if login.isEmpty {
            found.append(("pools", "nobody is named who is paid", "add login below [mining], with an address of yours"))
        }
        if hotCelsius > hot - 5 {
            found.append(
                ("hot_celsius", "mining would heat the board until it sends more softly", "set it to \(hot - 5) or less"))
        }
        return found
    }
}

extension Form where Value == [String] {
    static let hours = Form(words: "at most \(IdleSettings.hoursLimit) spans of the day, as 22:00-07:00") {
        $0.list.flatMap { $0.count <= IdleSettings.hoursLimit && $0.allSatisfy { DailyHours($0) != nil } ? $0 : nil }
    } show: {
        TOMLText.list($0)
    }

    static func pools(_ count: ClosedRange<Int>) -> Form {
        Form(words: "at most \(count.upperBound) pools, as tcp://host:port or tls://host:port, perhaps with #FINGERPRINT") {
            $0.list.flatMap { count.contains($0.count) && $0.allSatisfy { PoolAddress($0) != nil } ? $0 : nil }
        } show: {
            TOMLText.list($0)
        }
    }
}
