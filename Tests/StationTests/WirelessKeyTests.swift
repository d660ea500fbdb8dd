import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// Wi-Fi keys from the owner's side, on the simulated air: whoever joins with one is its buyer.
@Suite struct WirelessKeyTests {
    private func until(_ what: String, _ daemon: SimulatedDaemon, _ condition: ([SessionView]) -> Bool) async throws {
        var sessions: [SessionView] = []
        for _ in 0..<400 {
            sessions = try await daemon.control.get("/v1/sessions?active=true")
            if condition(sessions) { return }
            try await Task.sleep(for: .milliseconds(25))
        }
        Issue.record("waited in vain for \(what): \(sessions)")
    }

    private func play(_ action: String, _ daemon: SimulatedDaemon, key: UInt32? = nil) throws -> RawHTTP.Answer {
        let order = SimulationCommand(action: action, client: 7, key: key)
        return try #require(daemon.owner.ask("POST", "/v1/sim", body: String(decoding: JSON.encode(order), as: UTF8.self)))
    }

    @Test func aKeyIsItsBuyersSession() async throws {
        let daemon = try await SimulatedDaemon()
        let buyer = try await TestBuyer(3, at: daemon)
        let key: KeyView = try await daemon.control.post(
            "/v1/keys", KeyRequest(name: "Alice", channelId: buyer.channel.channelId, free: false))
        #expect(key.ssid == "Test station" && key.passphrase?.utf8.count == 19)
        let listed = try await daemon.control.get("/v1/keys", as: [KeyView].self)
        #expect(listed.map(\.number) == [key.number] && listed[0].passphrase == nil)

        #expect(try play("join", daemon, key: 99).status == 404)
        #expect(try play("join", daemon, key: key.number).status == 204)
        try await until("Alice's session", daemon) { $0.map(\.buyer) == [buyer.key.publicKey.description] }
        let id = try await daemon.control.get("/v1/sessions?active=true", as: [SessionView].self).map(\.sessionId)

        // Away and back: the same session.
        #expect(try play("leave", daemon).status == 204)
        #expect(try play("join", daemon, key: key.number).status == 204)
        try await until("Alice again", daemon) { $0.map(\.sessionId) == id }
        let radio = try await daemon.control.get("/v1/radio", as: RadioStatusView.self)
        #expect(radio.onAir && radio.clients.map(\.key) == [key.number])

        // Revoked: she is off the air, and comes in no more.
        #expect(daemon.owner.ask("DELETE", "/v1/keys/\(key.number)")?.status ?? 500 < 300)
        try await until("her end", daemon, \.isEmpty)
        #expect(try play("join", daemon, key: key.number).status == 404)
    }

    @Test(arguments: [
        (KeyRequest(name: "", free: true), 400), (KeyRequest(name: "x", codeNumber: 12, free: false), 404),
        (KeyRequest(name: "x", codeNumber: 12, free: true), 400),
        (KeyRequest(name: "x", free: true, tariffId: "per-byte"), 402),
        (KeyRequest(name: "x", free: true, tariffId: "none"), 404),
    ]) func aKeyThatCannotWorkIsRefused(request: KeyRequest, status: Int) async throws {
        let daemon = try await SimulatedDaemon()
        let answer = try #require(
            daemon.owner.ask("POST", "/v1/keys", body: String(decoding: JSON.encode(request), as: UTF8.self)))
        #expect(answer.status == status, "\(answer.body)")
        #expect(try await daemon.control.get("/v1/keys", as: [KeyView].self).isEmpty)
    }
}
