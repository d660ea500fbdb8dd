import Charging
import Foundation
import Primitives
import Testing

@Suite struct ChannelTests {
    private static let chain = Bytes32([UInt8](repeating: 9, count: 32))!

    /// A channel takes vouchers of its own chain alone, and the station's own book takes those of none.
    @Test(arguments: [
        (Bytes32.zero, Bytes32.zero, true), (Self.chain, Self.chain, true), (Self.chain, .zero, false),
        (.zero, Self.chain, false),
    ])
    func aVoucherOfAnotherChainIsRefused(of channelChain: Bytes32, and voucherChain: Bytes32, isTaken: Bool) throws {
        let buyer = Buyer(1)
        var channel = buyer.channel
        channel.chainID = channelChain
        var world = World()
        try world.handle(.channel(.opened(channel)))
        let voucher = Voucher(
            chainID: voucherChain, channel: channel.id, cumulativeAmount: QLC(units: 5), cumulativeBytes: 0, sequence: 1)
        let verified = Verified(signing: voucher, by: buyer.key)
        if isTaken {
            try world.handle(.paid(verified))
            #expect(world.engine.channels[channel.id]?.paid == QLC(units: 5))
        } else {
            #expect(throws: ChargingError.voucherInvalid("it is for another chain")) { try world.handle(.paid(verified)) }
            #expect(world.engine.channels[channel.id]?.paid == .zero)
        }
    }

    @Test func whatWasStoredBeforeTheChainIsOfTheOwnBook() throws {
        var channel = Buyer(1).channel
        channel.chainID = Self.chain
        let written = try JSONEncoder().encode(ChannelEvent.opened(channel))
        #expect(try JSONDecoder().decode(ChannelEvent.self, from: written) == .opened(channel))
        let text = String(decoding: written, as: UTF8.self)
        let old = text.replacingOccurrences(of: "\"chainId\":\"\(Self.chain)\",", with: "")
            .replacingOccurrences(of: ",\"chainId\":\"\(Self.chain)\"", with: "")
        #expect(!old.contains("chainId"))
        channel.chainID = .zero
        #expect(try JSONDecoder().decode(ChannelEvent.self, from: Data(old.utf8)) == .opened(channel))
    }
}
