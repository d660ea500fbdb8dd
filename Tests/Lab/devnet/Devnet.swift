import ArgumentParser
import NodeLab
import Charging
import Foundation
import Lab
import Ledger
import Primitives
import StationAPI

/// `make devnet`: a whole network on one machine, from its first block to what goes wrong in practice.
@main
struct Devnet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devnet",
        abstract: "Four delegates, a station and a wallet, each in a namespace of its own.")
    @Option(help: "From any node to any other, one way, in milliseconds.") var delay = 50
    @Option(help: "Blocks that the station sleeps through.") var sleep: UInt64 = 10
    @Option(help: "Where the figures go.") var output = "build/devnet.json"
    @Flag(help: "Stay up when all was shown, until Ctrl-C.") var stay = false

    private static let station = 4

    private struct Figures: Encodable {
        var delayMilliseconds: Int
        var firstBlockMilliseconds = 0.0
        var paymentMilliseconds = 0.0
        var settledQlc = QLC.zero
        var replacedSignsAfterMilliseconds = 0.0
        var sleptBlocks: UInt64 = 0
        var caughtUpMilliseconds = 0.0
    }

    func run() async throws {
        closeLabOnSignals()
        guard Namespace.isAvailable else { throw ValidationError("namespaces need root: sudo make devnet") }
        let keys = (1...6).map { PrivateKey(seed: [UInt8](repeating: UInt8($0), count: 32))! }
        let net = try ChainNet(
            genesis: .devnet(keys, delegates: 4), keys: keys, roles: ["delegate", "delegate", "delegate", "delegate", "light"],
            delay: .milliseconds(delay))
        defer { net.close() }
        var figures = Figures(delayMilliseconds: delay)
        var daemons: [LabProcess] = []
        for node in net.nodes { daemons.append(try await net.start(node.index)) }
        say("Four delegates and a station, \(delay) ms from one another. Nobody had a chain before; now:")

        let wallet = keys[5]
        try await pay(net, wallet, &figures)
        try await killAndReplace(net, &daemons, wallet, &figures)
        try await sleepAndReturn(net, &daemons, wallet, &figures)
        say(try net.ask(Self.station, "chain", "status"))
        say(try net.ask(Self.station, "chain", "verify"))
        try FileManager.default.createDirectory(
            atPath: (output as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(try JSON.encode(figures, pretty: true)).write(to: URL(fileURLWithPath: output))
        say("figures: \(output)")
        while stay { try await Task.sleep(for: .seconds(1)) }
        for daemon in daemons { daemon.terminate() }
    }

    // MARK: What is shown

    private func pay(_ net: ChainNet, _ wallet: PrivateKey, _ figures: inout Figures) async throws {
        let begun = ContinuousClock.now
        let station = net.nodes[Self.station].key
        let session = PrivateKey()
        let now = UInt64(Date().timeIntervalSince1970 * 1_000)
        let opening = try await net.submit(
            .openChannel(
                OpenChannel(
                    payee: station.publicKey, sessionKey: session.publicKey, deposit: QLC(units: 5 * QLC.unitsPerQLC),
                    expiry: now + 86_400_000, disputeWindow: 3_600_000)),
            by: wallet, at: Self.station)
        let opened = try await net.wait(for: opening, at: Self.station)
        figures.firstBlockMilliseconds = (ContinuousClock.now - begun) / .milliseconds(1)
        let channel = try net.channel(of: opened)
        say(
            "A wallet opened a channel to the station, 5 QLC: final in block \(opened.height ?? 0), \(channel.description.prefix(16))…"
        )
        say(try net.ask(Self.station, "chain", "block", "1"))

        let paid = ContinuousClock.now
        let voucher = Voucher(
            chainID: net.genesis.chainID, channel: channel, cumulativeAmount: QLC(units: 2 * QLC.unitsPerQLC),
            cumulativeBytes: 200_000_000, sequence: 1)
        let settlement = try await net.submit(
            .settleChannels(SettleChannels([PresentedVoucher(Signed(voucher, by: session), by: session.publicKey)])), by: station,
            at: Self.station)
        try await net.wait(for: settlement, at: 0)
        figures.paymentMilliseconds = (ContinuousClock.now - paid) / .milliseconds(1)
        struct ChannelView: Decodable { var settledQlc: QLC }
        figures.settledQlc = try await net.call(0, "chain.channel", ["id": "\(channel)"], as: ChannelView.self).settledQlc
        guard figures.settledQlc == voucher.cumulativeAmount else {
            throw LabError.unreadable(what: "the channel", text: "\(figures.settledQlc) settled, not \(voucher.cumulativeAmount)")
        }
        say("The station settled a voucher of 2 QLC: final everywhere after \(Int(figures.paymentMilliseconds)) ms.")
    }

    private func killAndReplace(
        _ net: ChainNet, _ daemons: inout [LabProcess], _ wallet: PrivateKey, _ figures: inout Figures
    ) async throws {
        daemons[3].signal(SIGKILL)
        let before = try await net.height(of: 0)
        try await transfer(net, from: wallet, at: 0)
        say("Delegate 3 was killed; three of four go on: block \(before) became \(try await net.height(of: 0)).")
        try net.replaceDisk(of: 3)
        let begun = ContinuousClock.now
        daemons[3] = try await net.start(3)
        say("Another board stands in for it, with the key and an empty disk. Its owner says so, and so it keeps silent:")
        say("  \(try await net.status(of: 3).chain?.trouble ?? "it signs")")
        // It signs again behind a block that was made later than its start.
        try await waitUntil("the new board signs", timeout: .seconds(120), every: .milliseconds(100)) {
            if try await net.status(of: 3).chain?.trouble == nil { return true }
            try await transfer(net, from: wallet, at: 0)
            return false
        }
        figures.replacedSignsAfterMilliseconds = (ContinuousClock.now - begun) / .milliseconds(1)
        say(
            "It has fetched \(try await net.height(of: 3)) blocks and signs, \(Int(figures.replacedSignsAfterMilliseconds)) ms after its start."
        )
    }

    private func sleepAndReturn(
        _ net: ChainNet, _ daemons: inout [LabProcess], _ wallet: PrivateKey, _ figures: inout Figures
    ) async throws {
        let before = try await net.height(of: Self.station)
        daemons[Self.station].terminate()
        say("The station sleeps at block \(before), for \(sleep) blocks.")
        while try await net.height(of: 0) < before + sleep { try await transfer(net, from: wallet, at: 0) }
        let begun = ContinuousClock.now
        daemons[Self.station] = try await net.start(Self.station)
        let head = try await net.height(of: 0)
        try await waitUntil("the station catches up", timeout: .seconds(60)) { try await net.height(of: Self.station) >= head }
        (figures.sleptBlocks, figures.caughtUpMilliseconds) = (head - before, (ContinuousClock.now - begun) / .milliseconds(1))
        say(
            "It came back and had \(head - before) blocks more after \(Int(figures.caughtUpMilliseconds)) ms, its start included."
        )
    }

    private func transfer(_ net: ChainNet, from wallet: PrivateKey, at index: Int) async throws {
        let payment = try await net.submit(
            .transfer(Transfer(to: net.nodes[0].key.publicKey, amount: QLC(units: 1_000))), by: wallet, at: index)
        try await net.wait(for: payment, at: index)
    }

    private func say(_ words: String) {
        print(words)
        fflush(nil)
    }
}

extension ChainNet {
    fileprivate func channel(of outcome: Outcome) throws -> ChannelID {
        guard let text = outcome.creates, let id = ChannelID(text) else {
            throw LabError.unreadable(what: "the opened channel", text: "the receipt names none")
        }
        return id
    }
}
