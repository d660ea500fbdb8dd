public import Primitives

/// `[pool]`: a mining pool of base stations that this station runs.
extension Section {
    static let pool = Section(
        name: "pool",
        meaning:
            "A mining pool of base stations that this station runs. Without `listen` there is none. Whoever logs in with an address of the chain is a member; blocks pay Monero to `wallet`, and members are paid in QLC from the station's account.",
        keys: [
            Key(
                "listen", \.pool.listen, .endpoint, example: "\"0.0.0.0:3333\"", "Where miners may connect."),
            Key(
                "certificate", \.pool.certificate, .directory, example: "\"/etc/basestation/pool.pem\"",
                "A certificate in PEM: then miners speak TLS here, and nothing else. Members may pin it by its SHA-256."),
            Key(
                "private_key", \.pool.privateKey, .directory, example: "\"/etc/basestation/pool.key\"",
                "The certificate's key, in PEM."),
            Key(
                "node", \.pool.node, .endpoint, example: "\"127.0.0.1:18081\"",
                "The `monerod` that gives blocks to find and takes those that are found."),
            Key(
                "wallet", \.pool.wallet, .text(0...200), example: "\"4ADDRESS\"",
                "A primary address of Monero: who has the rewards of blocks."),
            Key(
                "qlc_per_xmr", \.pool.qlcPerXMR, .money, example: "\"250\"",
                "What one XMR of a block's reward is worth to the members."),
            Key(
                "fee_permyriad", \.pool.feePermyriad, .number(0...10_000), example: "100",
                "The operator's part of each block, in ten-thousandths: 100 is one per cent."),
            Key(
                "window", \.pool.window, .number(1...20), example: "2",
                "How much of the latest work shares in a block, in times of its difficulty (PPLNS)."),
            Key(
                "confirmations", \.pool.confirmations, .number(1...1_000), example: "60",
                "Blocks upon one before it is owed to the members; Monero itself holds rewards back for 60."),
            Key(
                "least_payout", \.pool.leastPayout, .money, example: "\"10\"", "A member with less waits for more."),
            Key(
                "least_difficulty", \.pool.leastDifficulty, .number(1...1_000_000_000), example: "100",
                "No share is easier: each costs this station a hash to check."),
        ])
}

/// How the station runs a pool.
public struct PoolConfiguration: Hashable, Sendable {
    /// An `Endpoint`; "": there is no pool.
    public var listen = ""
    /// Paths; nil: miners do not speak TLS.
    public var certificate: String?
    public var privateKey: String?
    /// An `Endpoint`.
    public var node = ""
    public var wallet = ""
    public var qlcPerXMR = QLC.zero
    public var feePermyriad: UInt64 = 100
    public var window: UInt64 = 2
    public var confirmations: UInt64 = 60
    public var leastPayout = QLC(units: 10 * QLC.unitsPerQLC)
    public var leastDifficulty: UInt64 = 100

    public init() {}

    public var isOn: Bool { !listen.isEmpty }

    /// What is missing, and the key to blame.
    func contradictions(hasChain: Bool) -> [(key: String, what: String, mend: String)] {
        guard isOn else { return [] }
        var found: [(key: String, what: String, mend: String)] = []
        if (certificate == nil) != (privateKey == nil) {
            found.append(("listen", "a certificate and its key go together", "name both below [pool], or neither"))
        }
        if node.isEmpty {
            found.append(("listen", "the pool has no blocks to find", "add node below [pool]: where your monerod answers"))
        }
        if wallet.isEmpty {
            found.append(
                ("listen", "nobody is named who has the blocks' rewards", "add wallet below [pool]: your Monero address"))
        }
        if qlcPerXMR == .zero {
            found.append(("listen", "the pool would pay nothing", "add qlc_per_xmr below [pool]: what an XMR is worth to you"))
        }
        if !hasChain {
            found.append(
                ("listen", "members are paid on the chain, and this station has no node of it", "name its genesis below [chain]"))
        }
        return found
    }
}
