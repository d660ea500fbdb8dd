import Foundation
import Lab
import StationAPI
import StationClient
import Testing

/// What a phone sees that has never heard of QLC.
@Suite struct PortalTests {
    @Test func thePageIsPlainSafeAndSaysThePrice() async throws {
        let daemon = try await SimulatedDaemon(name: "<script>alert(1)</script>", message: "\"'&<b>")
        let answer = try daemon.ask(1, "GET", "/portal")
        #expect(answer.status == 200 && answer.header("content-type") == "text/html; charset=utf-8")
        #expect(answer.header("cache-control") == "no-store")
        #expect(answer.header("content-security-policy")?.contains("default-src 'none'") == true)
        for wanted in ["0.01", "megabyte", "<form", "name=viewport", "prefers-color-scheme", "&lt;script&gt;", "Access code"] {
            #expect(answer.body.contains(wanted), "\(wanted)")
        }
        for banned in ["<script", "http://", "https://", "<b>", "<img", "@import"] {
            #expect(!answer.body.contains(banned), "\(banned)")
        }
    }

    @Test func withoutScriptACodeIsTypedInAndWhatIsLeftIsShown() async throws {
        let daemon = try await SimulatedDaemon()
        let wrong = try daemon.ask(1, "POST", "/portal/code", "code=AAAA-AAAA-AAAA")
        #expect(wrong.status == 402 && wrong.body.contains("role=alert") && wrong.body.contains("<form"))
        let codes = try await daemon.control.post(
            "/v1/codes", CodesRequest(bytes: 7_000_000, seconds: nil, count: 1, validSeconds: nil), as: [CodeView].self)
        let right = try daemon.ask(1, "POST", "/portal/code", "code=\(codes[0].code ?? "")")
        #expect(right.status == 303 && right.header("location") == "/portal")
        let page = try daemon.ask(1, "GET", "/portal")
        #expect(page.body.contains("You are online") && page.body.contains("Left<td>"))
        #expect(try daemon.ask(1, "POST", "/portal/leave", "").status == 303)
        #expect(!(try daemon.ask(1, "GET", "/portal").body.contains("You are online")))
        #expect(try daemon.ask(2, "POST", "/portal/free", "tariff=free").status == 303)
        #expect(try daemon.ask(2, "POST", "/portal/free", "tariff=per-byte").status == 402)
    }

    /// RFC 8908, sections 4 and 5.
    @Test func captivePortalAPI() async throws {
        let daemon = try await SimulatedDaemon()
        let path = "/.well-known/captive-portal"
        var answer = try daemon.ask(1, "GET", path)
        #expect(answer.header("content-type") == "application/captive+json")
        #expect(answer.header("cache-control")?.contains("no-store") == true)
        #expect(answer.json?["captive"] as? Bool == true)
        #expect((answer.json?["user-portal-url"] as? String)?.hasSuffix("/portal") == true)
        #expect(answer.json?["bytes-remaining"] == nil)
        let codes = try await daemon.control.post(
            "/v1/codes", CodesRequest(bytes: nil, seconds: 600, count: 1, validSeconds: nil), as: [CodeView].self)
        #expect(try daemon.ask(1, "POST", "/portal/code", "code=\(codes[0].code ?? "")").status == 303)
        answer = try daemon.ask(1, "GET", path)
        #expect(answer.json?["captive"] as? Bool == false)
        #expect(answer.json?["can-extend-session"] as? Bool == true)
        let seconds = try #require(answer.json?["seconds-remaining"] as? Int)
        #expect((590...600).contains(seconds))
    }

    /// What phones and computers ask to find out whether they are captive.
    @Test func aStrangersWebPageLeadsToThePortal() async throws {
        let daemon = try await SimulatedDaemon()
        for path in ["/generate_204", "/hotspot-detect.html", "/connecttest.txt", "/success.txt", "/", "/a/b?c=d"] {
            let request = "GET \(path) HTTP/1.1\r\nHost: connectivitycheck.example\r\nConnection: close\r\n\r\n"
            let answer = try #require(daemon.buyers.say(Array(request.utf8)))
            #expect(answer.status == 303 && answer.header("location") == "http://127.0.0.1:\(daemon.port)/portal")
            #expect(answer.header("cache-control") == "no-store")
        }
    }
}
