import Charging
import Consensus
import Ledger
import Node
import Primitives
import SimulatedHAL

/// Who uses the chain: a few accounts that want this and that, some of it wrong.
struct SimulatedWallets {
    static let genesisTime: BlockTime = 1_800_000_000_000
    static let count = 5
    private static let balance = QLC(units: 1_000 * QLC.unitsPerQLC)
    /// The rest of the supply; its key is nobody's.
    private static let reserve = PublicKey(raw: TaggedHash.digest(tag: "qlink/simulated-reserve", []))
    /// Blocks of an epoch, so that a run meets many elections.
    private static let epoch: UInt64 = 4
    private static let channelsKept = 8

    let keys: [PrivateKey]
    /// Opened, perhaps in vain, by which wallet; the next one is paid.
    private var channels: [(id: ChannelID, payer: Int)] = []
    private var assets: [AssetID] = []
    private var vouchers: UInt64 = 0

    init(_ random: inout SplitMix64) { keys = (0..<Self.count).map { _ in PrivateKey(seed: random.bytes(32))! } }

    func genesis(_ delegates: [Genesis.FirstDelegate], jailsAbsentees: Bool) -> Genesis {
        var parameters = Parameters()
        for (name, value) in [
            (Parameters.Name.epochBlocks, Self.epoch), (.missedPercent, jailsAbsentees ? 50 : 100), (.disputeWindowLeast, 1_000),
            (.assetConfirmations, 2),
        ] {
            do throws(LedgerError) { try parameters.set(name, to: value) } catch { preconditionFailure("\(error)") }
        }
        let owners = keys.map(\.publicKey) + delegates.map(\.key)
        let given = owners.reduce(QLC.zero) { sum, _ in sum + Self.balance } + delegates.reduce(QLC.zero) { $0 + $1.stake }
        return Genesis(
            name: "simulation", time: Self.genesisTime, parameters: parameters,
            allocations: owners.map { Genesis.Allocation($0, Self.balance) } + [.init(Self.reserve, .supply - given)],
            delegates: delegates)
    }

    /// What wallet `number` wants done, with its next sequence.
    mutating func wish(
        of number: Int, _ sequence: UInt64, among delegates: [PublicKey], at time: BlockTime, on chainID: Bytes32,
        _ random: inout SplitMix64
    ) -> Payload {
        let amount = QLC(units: UInt64(random.number(0...200)) * QLC.unitsPerQLC)
        let me = keys[number].publicKey
        switch random.number(0...11) {
        case 0: return .stake(Stake(with: random.pick(delegates), amount: amount))
        case 1: return .unstake(Unstake(from: random.pick(delegates), amount: amount))
        case 2, 3:
            let id = OpenChannel.id(of: me, sequence)
            if channels.count == Self.channelsKept { channels.removeFirst() }
            channels.append((id, number))
            return .openChannel(
                OpenChannel(
                    payee: payee(of: number).publicKey, sessionKey: me, deposit: amount, expiry: time + 600_000,
                    disputeWindow: UInt64(random.number(500...20_000))))
        case 4, 5, 6:
            guard !channels.isEmpty else { break }
            return use(random.pick(channels), amount, on: chainID, &random)
        case 7:
            let registration = RegisterAsset(facts(&random))
            assets = assets.suffix(Self.channelsKept) + [registration.identity(of: me, sequence)]
            return .registerAsset(registration)
        case 8 where !assets.isEmpty: return .updateAsset(UpdateAsset(random.pick(assets), to: facts(&random)))
        case 9:
            let hash = TaggedHash.digest(tag: "qlink/simulated-content", [UInt8(random.number(0...20))])
            return .registerContent(RegisterContent(hash: hash, size: 20_000_000))
        case 10: return .vote(ParameterVote(.feeBase, value: 20_000))
        default: break
        }
        return .transfer(Transfer(to: random.pick(keys).publicKey, amount: amount))
    }

    private func payee(of number: Int) -> PrivateKey { keys[(number + 1) % keys.count] }

    private mutating func use(
        _ channel: (id: ChannelID, payer: Int), _ amount: QLC, on chainID: Bytes32, _ random: inout SplitMix64
    ) -> Payload {
        vouchers += 1
        let voucher = Voucher(
            chainID: chainID, channel: channel.id, cumulativeAmount: amount, cumulativeBytes: vouchers, sequence: vouchers)
        let key = keys[channel.payer]
        let presented = PresentedVoucher(Signed(voucher, by: key), by: key.publicKey)
        return switch random.number(0...5) {
        case 0: .topUpChannel(TopUpChannel(channel.id, by: amount))
        case 1: .closeChannel(CloseChannel(channel.id, voucher: presented))
        case 2: .closeChannel(CloseChannel(channel.id))
        case 3: .raiseVoucher(RaiseVoucher(presented))
        default: .settleChannels(SettleChannels([presented]))
        }
    }

    private func facts(_ random: inout SplitMix64) -> AssetFacts {
        var facts = AssetFacts()
        (facts.geohash, facts.downlink) = ("u33db", UInt64(random.number(1...1_000)))
        return facts
    }
}

extension NetworkSimulation {
    /// Somebody at some node wants something.
    mutating func offerTransaction() {
        let node = random.number(0...nodes.count - 1)
        guard let state = nodes[node].running?.state else { return }
        let time = state.head.time
        if let jailed = nodes.first(where: { $0.isHonest && state.delegate($0.publicKey)?.status == .jailed }),
            random.chance(1, in: 2)
        {
            meet("jailed delegates come back")
            return offer(
                .registerDelegate(RegisterDelegate(commission: 500)), by: jailed.key, nextSequence(of: jailed.key, at: node),
                at: node)
        }
        let number = random.number(0...wallets.keys.count - 1)
        let key = wallets.keys[number]
        let sequence = nextSequence(of: key, at: node) + (random.chance(1, in: 20) ? 1 : 0)
        let delegates = nodes.filter(\.isDelegate).map(\.publicKey)
        let wish = wallets.wish(of: number, sequence, among: delegates, at: time, on: checker.chainID, &random)
        offer(wish, by: key, sequence, at: node)
    }

    private func nextSequence(of key: PrivateKey, at node: Int) -> UInt64 {
        guard let running = nodes[node].running else { return 0 }
        return running.pool.nextSequence(of: key.publicKey, on: running.state)
    }

    private mutating func offer(_ payload: Payload, by key: PrivateKey, _ sequence: UInt64, at node: Int) {
        let fee = random.chance(1, in: 20) ? 1 : UInt64(random.number(1_000_000...2_000_000))
        let until = BlockTime(Int64(SimulatedWallets.genesisTime) + now.nanoseconds / 1_000_000)
        let transaction = Transaction(
            chainID: checker.chainID, sender: key.publicKey, sequence: sequence, fee: QLC(units: fee),
            validUntil: until + UInt64(random.number(1_000...120_000)), payload: payload)
        handle(.submitted(CheckedTransaction(signing: transaction, by: key)), at: node)
    }
}
