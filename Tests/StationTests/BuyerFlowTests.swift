import Charging
import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// From an offer to the end of a session, and every way to cheat on it.
@Suite struct BuyerFlowTests {
    private func offer(_ daemon: SimulatedDaemon, _ client: Int = 1) throws -> OfferView {
        try JSON.decode(OfferView.self, from: Data(daemon.ask(client, "GET", "/v1/offer").body.utf8))
    }

    private func open(_ daemon: SimulatedDaemon, _ client: Int, _ body: OpenSessionBody) throws -> RawHTTP.Answer {
        try daemon.ask(client, "POST", "/v1/sessions", String(decoding: JSON.encode(body), as: UTF8.self))
    }

    private func pay(_ daemon: SimulatedDaemon, _ id: String, _ body: VoucherBody) throws -> RawHTTP.Answer {
        try daemon.ask(1, "POST", "/v1/sessions/\(id)/vouchers", String(decoding: JSON.encode(body), as: UTF8.self))
    }

    @Test func offerAcceptancePaymentTrafficAndFarewell() async throws {
        let daemon = try await SimulatedDaemon()
        let buyer = try await TestBuyer(1, at: daemon)
        let offer = try offer(daemon)
        #expect(offer.tariffIds == ["per-byte", "free"] && offer.offer.verified(by: offer.offer.claim.station) != nil)
        let session = try daemon.ask(1, "POST", "/v1/sessions", buyer.acceptance(offer), as: BuyerSessionView.self)
        #expect(session.state == "exhausted" && session.bytesRemaining == 0)
        let paid = try daemon.ask(
            1, "POST", "/v1/sessions/\(session.sessionId)/vouchers", buyer.voucher("0.02", 1), as: BuyerSessionView.self)
        #expect(paid.state == "active" && paid.bytesRemaining == 2_000_000)
        try await daemon.control.post("/v1/sim", SimulationCommand(action: "traffic", client: 1, rateDown: 10_000_000))
        var view = paid
        for _ in 0..<100 where view.state == "active" {
            try await Task.sleep(for: .milliseconds(50))
            view = try JSON.decode(
                BuyerSessionView.self, from: Data(daemon.ask(1, "GET", "/v1/sessions/\(session.sessionId)").body.utf8))
        }
        #expect(view.state == "exhausted")
        #expect(view.bytesUp + view.bytesDown <= 2_000_000 && view.bytesUp + view.bytesDown > 2_000_000 - 1_500)
        let end = try JSON.decode(
            BuyerSessionView.self, from: Data(daemon.ask(1, "DELETE", "/v1/sessions/\(session.sessionId)").body.utf8))
        #expect(end.state == "ended" && end.chargeQlc <= QLC("0.02")!)
        let records = try await daemon.control.get("/v1/usage", as: [Signed<UsageRecord>].self)
        #expect(records.count == 1 && records[0].verified(by: offer.offer.claim.station)?.value.charge == end.chargeQlc)
        // What was paid stands on the buyer's own signature, in the station's record.
        let voucher = try #require(records[0].claim.voucher?.verified(by: buyer.key.publicKey))
        #expect(voucher.value.cumulativeAmount == QLC("0.02") && records[0].claim.paid == QLC("0.02"))
    }

    @Test func whoCheatsIsRefused() async throws {
        let daemon = try await SimulatedDaemon()
        let (buyer, other) = (try await TestBuyer(1, at: daemon), try await TestBuyer(2, at: daemon))
        let offer = try offer(daemon)
        #expect(try open(daemon, 1, buyer.acceptance(offer, by: other.key)).problem == "payment-refused")
        #expect(try open(daemon, 2, buyer.acceptance(offer)).problem == "payment-refused")  // another device's acceptance
        let session = try JSON.decode(
            BuyerSessionView.self, from: Data(open(daemon, 1, buyer.acceptance(offer)).body.utf8))
        #expect(try open(daemon, 1, buyer.acceptance(offer)).problem == "payment-refused")  // once more
        let id = session.sessionId
        #expect(try pay(daemon, id, buyer.voucher("0.1", 1, by: other.key)).problem == "payment-refused")
        #expect(try pay(daemon, id, other.voucher("0.1", 1)).problem == "unknown")  // of a channel that does not pay this session
        #expect(try pay(daemon, id, buyer.voucher("1.00000001", 1)).problem == "payment-refused")  // more than the deposit
        #expect(try pay(daemon, id, buyer.voucher("0.1", 1)).status == 200)
        #expect(try pay(daemon, id, buyer.voucher("0.05", 2)).problem == "payment-refused")  // it shrinks
        #expect(try pay(daemon, id, buyer.voucher("0.1", 1)).status == 200)  // the same again: the answer may have been lost
        let channels = try await daemon.control.get("/v1/channels", as: [ChannelView].self)
        #expect(channels.first { $0.channelId == buyer.channel.channelId }?.paidQlc == QLC("0.1")!)
        #expect(try daemon.ask(2, "GET", "/v1/session").problem == "unknown")
        #expect(daemon.buyers.ask("GET", "/v1/offer")?.problem == "unauthorised")  // nobody's address
    }

    @Test func aCodeIsForOneSessionAndGuessingIsSlow() async throws {
        let daemon = try await SimulatedDaemon()
        let codes = try await daemon.control.post(
            "/v1/codes", CodesRequest(bytes: 5_000_000, seconds: nil, count: 2, validSeconds: nil), as: [CodeView].self)
        let code = try #require(codes[0].code)
        let session = try daemon.ask(
            2, "POST", "/v1/sessions", OpenSessionBody(accessCode: code.lowercased()), as: BuyerSessionView.self)
        #expect(session.bytesRemaining == 5_000_000)
        for _ in 0..<4 {
            #expect(try open(daemon, 1, OpenSessionBody(accessCode: "AAAA-AAAA-AAAA")).problem == "payment-refused")
        }
        var last: String?
        for _ in 0..<3 { last = try open(daemon, 1, OpenSessionBody(accessCode: "AAAA-AAAA-AAAB")).problem }
        #expect(last == "too-many")
        #expect(try open(daemon, 1, OpenSessionBody(accessCode: codes[1].code)).problem == "too-many")  // even a right one
        #expect(try open(daemon, 3, OpenSessionBody(accessCode: codes[1].code)).status == 201)  // others are not held up
        // No code lies in the state directory, however it is spelt.
        let state = daemon.folder.appendingPathComponent("state")
        for name in try FileManager.default.contentsOfDirectory(atPath: state.path) {
            let bytes = try Data(contentsOf: state.appendingPathComponent(name))
            for spelling in [code, code.replacingOccurrences(of: "-", with: "")] {
                #expect(bytes.range(of: Data(spelling.utf8)) == nil)
            }
        }
        #expect(try await daemon.control.get("/v1/codes", as: [CodeView].self).allSatisfy { $0.code == nil })
    }
}
