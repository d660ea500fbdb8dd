import ArgumentParser
import Charging
import Primitives
import StationAPI
import StationClient

extension Wallet {
    struct Settle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Brings what channels hold to the chain now.", usage: "basestation wallet settle [CHANNEL] [options]",
            discussion: """
                The station does so by itself, about once a day, when it costs little. What is less
                than its fee is not settled. Channels stay open; "basestation channel close" ends one.
                """)
        @OptionGroup var common: Common
        @OptionGroup var patience: ChainPatience
        @Argument(help: "One channel; else all.") var channel: String?

        func validate() throws {
            if let channel, ChannelID(channel) == nil { throw ValidationError("a channel has 64 hexadecimal digits") }
        }

        func run() async throws {
            let request = SettlementRequest(channelId: channel.flatMap { ChannelID($0) })
            let first: SettlementView = try await common.station.post("/v1/wallet/settlement", request)
            let wanted = first.channels.filter { $0.paysFee && (channel == nil || $0.channelId.description == channel) }
            let before = Dictionary(uniqueKeysWithValues: wanted.map { ($0.channelId, $0.settledQlc) })
            // Sessions go on, so there may be something to settle again at once.
            let isDone = { (view: SettlementView) in
                view.channels.allSatisfy { due in before[due.channelId].map { due.settledQlc > $0 } ?? true }
            }
            let last = try await patience.wait(for: "the settlement", isShown: !common.json, from: first, until: isDone) {
                try await common.station.get("/v1/wallet/settlement")
            }
            try common.show(last) { lines($0, wanted, isDone($0)) }
            if !isDone(last), !patience.noWait { throw ExitCode(1) }
        }

        private func lines(_ last: SettlementView, _ wanted: [SettlementView.Due], _ isDone: Bool) -> [String] {
            let amount = Screen.amount(wanted.reduce(QLC.zero) { $0 + $1.unsettledQlc })
            let channels = wanted.count == 1 ? "1 channel" : "\(wanted.count) channels"
            var lines: [String] = []
            if wanted.isEmpty {
                lines.append("no channel holds more than the fee of its settlement, \(Screen.amount(last.feeQlc)) QLC")
            } else if isDone {
                lines.append("✓ \(amount) QLC of \(channels) are settled")
            } else {
                lines.append("… \(amount) QLC of \(channels) are on their way")
            }
            for due in last.channels where !due.paysFee {
                lines += Screen.field("too little", "\(Screen.amount(due.unsettledQlc)) QLC of channel")
                lines += Screen.field("", "\(due.channelId)")
            }
            if let trouble = last.trouble { lines += Screen.field("waits", trouble) }
            return lines
        }
    }
}
