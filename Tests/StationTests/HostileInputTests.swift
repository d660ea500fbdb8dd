import Charging
import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// Whatever comes over the wire: a clear refusal, nothing lost, everybody else served meanwhile.
@Suite struct HostileInputTests {
    @Test func whatIsNotHTTPIsHungUpOnOrRefused() async throws {
        let daemon = try await SimulatedDaemon()
        let crowd = String(repeating: "x", count: 100_000)
        let hostile: [String] = [
            "\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
            "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
            "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nab",
            "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
            "GET /\(crowd) HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \(crowd)\r\n\r\n",
            "GET / HTTP/1.1\r\n" + (0..<500).map { "X\($0): y\r\n" }.joined() + "\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET http://[::1 HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0",
        ]
        for server in [daemon.buyers, daemon.owner] {
            for text in hostile {
                if let answer = server.say(Array(text.utf8), patience: 0.4) {
                    #expect((300..<500).contains(answer.status) || answer.status == 431, "\(text.prefix(60)): \(answer.status)")
                }
            }
        }
        #expect(daemon.isRunning)
        #expect(try daemon.ask(1, "GET", "/v1/offer").status == 200)
    }

    static let badBodies = [
        ("", "malformed"), ("{", "malformed"), ("[]", "malformed"), ("null", "malformed"), ("{}", "malformed"),
        ("\u{0}\u{1}", "malformed"), (#"{"access_code":5}"#, "malformed"), (#"{"free_tariff":null}"#, "malformed"),
        (#"{"access_code":"A","free_tariff":"free"}"#, "malformed"), (#"{"free_tariff":"nope"}"#, "unknown"),
        (#"{"free_tariff":"per-byte"}"#, "payment-refused"), (#"{"access_code":""}"#, "payment-refused"),
        (#"{"access_code":"AAAA-AAAA-AAAA"}"#, "payment-refused"), (#"{"acceptance":{}}"#, "malformed"),
        (#"{"acceptance":{"claim":{},"signature":"00"}}"#, "malformed"),
        (String(repeating: "[", count: 5_000), "malformed"), (String(repeating: #"{"a":"#, count: 5_000), "malformed"),
        (#"{"access_code":""# + String(repeating: "A", count: 200_000) + #""}"#, "malformed"),
        (#"{"free_tariff":1e999}"#, "malformed"),
        (#"{"free_tariff":"\ud800"}"#, "malformed"),
    ]

    @Test func aBadBodyIsRefusedInWords() async throws {
        let daemon = try await SimulatedDaemon()
        for (body, problem) in Self.badBodies {
            let answer = try daemon.ask(1, "POST", "/v1/sessions", body)
            #expect(answer.problem == problem, "\(body.prefix(60)): \(answer.status) \(answer.body)")
            #expect(answer.body.utf8.count < 1_000)
        }
        #expect(try daemon.ask(1, "GET", "/v1/offer").status == 200)
    }

    @Test func anOwnersBadBodyToo() async throws {
        let daemon = try await SimulatedDaemon()
        let bodies = [
            ("POST", "/v1/codes", #"{"count":0,"bytes":1}"#), ("POST", "/v1/codes", #"{"count":1000000000,"bytes":1}"#),
            ("POST", "/v1/codes", #"{"count":1}"#), ("POST", "/v1/codes", #"{"count":1,"bytes":1,"seconds":1}"#),
            ("POST", "/v1/codes", #"{"count":1,"bytes":-5}"#), ("POST", "/v1/channels", #"{"payer":"00","deposit_qlc":"1"}"#),
            ("POST", "/v1/channels", #"{"payer":"zz","deposit_qlc":"1"}"#),
            ("PUT", "/v1/tariffs/default", #"{"tariff_id":"nope"}"#), ("PUT", "/v1/tariffs/default", "x"),
            ("PUT", "/v1/channels/00/deposit", #"{"deposit_qlc":"2"}"#), ("DELETE", "/v1/channels/zz", ""),
            ("POST", "/v1/clients/nonsense/block", ""), ("POST", "/v1/clients/02:00:00:00:00:01/eat", ""),
            ("DELETE", "/v1/sessions/../../etc/passwd", ""), ("DELETE", "/v1/sessions/%00", ""), ("DELETE", "/v1/codes/-1", ""),
            ("GET", "/v1/sessions?since=yesterday", ""), ("GET", "/v1/usage?since=9999999999999", ""), ("GET", "/v1/nothing", ""),
            ("POST", "/v1/sim", #"{"action":"explode"}"#), ("POST", "/v1/sim", #"{"action":"traffic","client":99}"#),
        ]
        for (method, path, body) in bodies {
            let answer = try #require(daemon.owner.ask(method, path, body: body))
            #expect(answer.problem != nil && (400..<500).contains(answer.status), "\(method) \(path) \(body): \(answer)")
        }
        let after = try await daemon.control.get("/v1/codes", as: [CodeView].self)
        #expect(after.isEmpty)
    }

    /// One byte of a good voucher changed, two thousand times: refused, or as good as the first one, and never worth more.
    @Test func aChangedVoucherIsNeverWorthMore() async throws {
        let daemon = try await SimulatedDaemon()
        let buyer = try await TestBuyer(1, at: daemon)
        let offer = try JSON.decode(OfferView.self, from: Data(daemon.ask(1, "GET", "/v1/offer").body.utf8))
        let session = try daemon.ask(1, "POST", "/v1/sessions", buyer.acceptance(offer), as: BuyerSessionView.self)
        let good = Array(try JSON.encode(buyer.voucher("0.1", 1)))
        var state: UInt64 = 4_711
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        var refused = 0
        for _ in 0..<400 {
            var bad = good
            for _ in 0...random(3) { bad[random(bad.count)] = UInt8(32 + random(95)) }
            let answer = try daemon.ask(
                1, "POST", "/v1/sessions/\(session.sessionId)/vouchers", String(decoding: bad, as: UTF8.self))
            #expect(answer.status == 200 || answer.problem != nil)
            refused += answer.status == 200 ? 0 : 1
            let paid = try await daemon.control.get("/v1/channels", as: [ChannelView].self)[0].paidQlc
            #expect(paid <= QLC("0.1")!)
        }
        #expect(refused > 300)
        let view = try daemon.ask(
            1, "POST", "/v1/sessions/\(session.sessionId)/vouchers", buyer.voucher("0.1", 1), as: BuyerSessionView.self)
        #expect(view.paidQlc == QLC("0.1")!)
    }
}

/// Holding connections does not keep others out.
@Suite struct ConnectionGuardTests {
    @Test func oneAddressHoldsSoManyAndNotForEver() async throws {
        let daemon = try await SimulatedDaemon()
        let held = (0..<40).compactMap { _ in Socket(.tcp(daemon.port)) }
        for socket in held { socket.send(Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8)) }  // never ended
        try await Task.sleep(for: .milliseconds(300))
        let open = held.filter { !$0.isClosed(within: 0) }
        #expect(open.count <= 16)
        #expect(daemon.owner.ask("GET", "/v1/status")?.status == 200)
        // The slow ones are cut off after ten seconds of nothing, and never last longer than twenty.
        #expect(try #require(open.first).isClosed(within: 25))
        for socket in open { _ = socket.isClosed(within: 5) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(try daemon.ask(1, "GET", "/v1/offer").status == 200)
    }
}
