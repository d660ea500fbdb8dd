public import Primitives

/// `[chain]`: the station's part in the Qlink Chain.
extension Section {
    static let chain = Section(
        name: "chain", meaning: "The station's node of the Qlink Chain. Without `genesis` there is none.",
        keys: [
            Key(
                "genesis", \.chain.genesis, .directory, example: "\"/usr/share/basestation/genesis/devnet.json\"",
                "The file that the chain began with: its hash is the chain's name."),
            Key(
                "role", \.chain.role, .choice, example: "\"light\"",
                "`light`: verifies everything and keeps the state and the newest 10,000 blocks; `archive`: keeps every block; `delegate`: as `light`, and signs blocks with the station's key."
            ),
            Key(
                "listen", \.chain.listen, .endpoint, example: "\"0.0.0.0:2053\"",
                "Where other nodes may call; left out, this one only calls others, which is enough behind a router."),
            Key(
                "peers", \.chain.peers, .peers(0...32), example: "[\"node.example.org:2053\"]",
                "Nodes to call first; more are learnt from them. `KEY@host:port` accepts nobody else there."),
            Key(
                "private_addresses", \.chain.takesPrivateAddresses, .flag, example: "false",
                "`true` learns of nodes in private networks too: for a laboratory."),
            Key(
                "rpc_listen", \.chain.rpc, .endpoint, example: "\"127.0.0.1:2052\"",
                "Where wallets may ask (docs/chain-api.md); the control socket and the buyers' port answer anyway."),
            Key(
                "register", \.chain.register, .flag, example: "true",
                "The station registers itself and its tariffs, so that buyers find it; its account pays the fees."),
            Key(
                "silence_limit", \.chain.silenceLimit, .time(.seconds(10) ... .seconds(600)), example: "\"5m\"",
                "What the station knows of the chain may be so old: from then on channels pay for nothing more, since a payer could close one unseen. A chain at rest has a block a minute."
            ),
            Key(
                "commit_usage", \.chain.commitsUsage, .flag, example: "true",
                "Once registered, the station commits to its usage records, with a record of each visit that only its buyer can read."
            ),
            Key(
                "commit_usage_after", \.chain.usagePatience, .seconds(0...604_800), example: "\"1h\"",
                "So long a usage record waits for others at most; 64 go at once. More often costs more fees."),
            Key(
                "geohash", \.chain.geohash, .geohash, example: "\"u33dc0\"",
                "Where it says it is, as a geohash: each digit narrows it, 6 to some 600 m. Left out: nowhere."),
            Key(
                "disk_is_copy", \.chain.isDiskCopy, .flag, example: "false",
                "Of a delegate: `true` once its disk was restored from a copy; it signs again when the chain has passed what the original may have signed."
            ),
        ])
}

/// A node of the Qlink Chain.
public struct ChainConfiguration: Hashable, Sendable {
    public enum Role: String, Hashable, Sendable, CaseIterable { case light, archive, delegate }

    /// Path of the genesis file; nil: no node.
    public var genesis: String?
    public var role = Role.light
    /// An `Endpoint`; "" to call only.
    public var listen = ""
    /// `host:port` or `KEY@host:port`.
    public var peers: [String] = []
    public var takesPrivateAddresses = false
    /// An `Endpoint`; "" for none.
    public var rpc = ""
    public var register = true
    /// Less than the least dispute window that the station serves.
    public var silenceLimit = Nanoseconds.seconds(300)
    public var commitsUsage = true
    /// Seconds.
    public var usagePatience: UInt64 = 3_600
    /// "": not told.
    public var geohash = ""
    public var isDiskCopy = false

    public init() {}
}
