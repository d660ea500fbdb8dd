import Charging
import Foundation
import Lab
import Primitives
import StationAPI
import StationClient
import Testing

/// What docs/api.md promises is what the servers answer.
@Suite struct ControlAPITests {
    static let document = try! String(
        contentsOf: URL(fileURLWithPath: #filePath).appendingPathComponent("../../../docs/api.md").standardizedFileURL,
        encoding: .utf8)

    struct Route: Sendable, CustomStringConvertible {
        var method: String
        var path: String
        var description: String { "\(method) \(path)" }
    }

    /// The first column of one section's table; alternatives of the last part of a path are spelt out.
    static func routes(in section: String) -> [Route] {
        let text = document.components(separatedBy: "## ").first { $0.hasPrefix(section) } ?? ""
        var routes: [Route] = []
        for row in text.split(separator: "\n") where row.hasPrefix("| `") {
            let cell = row.split(separator: "|")[0]
            for piece in cell.split(separator: "`") where piece.contains("/") {
                let words = piece.split(separator: " ")
                if words.count == 2 {
                    routes.append(Route(method: String(words[0]), path: String(words[1].prefix { $0 != "[" })))
                } else if let before = routes.last {
                    let parent = before.path.split(separator: "/").dropLast().joined(separator: "/")
                    routes.append(Route(method: before.method, path: "/\(parent)\(piece)"))
                }
            }
        }
        return routes
    }

    static let values = [
        "{id}": String(repeating: "0", count: 32), "{mac}": "02:51:00:00:00:01", "{number}": "1",
    ]

    @Test(arguments: ["Control API", "Buyer's API"]) func everyRouteOfTheDocumentIsThere(_ section: String) async throws {
        let daemon = try await SimulatedDaemon()
        let routes = Self.routes(in: section)
        #expect(routes.count >= 10)
        for route in routes {
            var path = route.path
            if path.contains("/channels/{id}") {
                path = path.replacingOccurrences(of: "{id}", with: String(repeating: "0", count: 64))
            }
            for (name, value) in Self.values { path = path.replacingOccurrences(of: name, with: value) }
            let body = route.method == "GET" || route.method == "DELETE" ? nil : "{}"
            let server = section == "Control API" ? daemon.owner : daemon.buyers
            let answer = try #require(server.ask(route.method, path, headers: ["X-Simulated-Client: 1"], body: body))
            #expect(!answer.body.contains("there is nothing at"), "\(route)")
            #expect(answer.status < 500, "\(route): \(answer.status) \(answer.body)")
        }
    }

    /// Another user, who is not in the owner's group.
    @Test(.enabled(if: geteuid() == 0)) func strangersOnTheBoardAreRefused() async throws {
        let daemon = try await SimulatedDaemon()
        chmod(daemon.folder.path, 0o755)
        chmod(daemon.folder.path + "/control.sock", 0o666)  // even if somebody opened the door
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = ["--reuid=65534", "--regid=65534", "--clear-groups", try Self.readable("basestation"), "status"]
        process.environment = [
            "BASESTATION_SOCKET": daemon.folder.path + "/control.sock", "PATH": "/usr/bin:/bin", "LLVM_PROFILE_FILE": "/dev/null",
        ]
        let (out, err) = (Pipe(), Pipe())
        (process.standardOutput, process.standardError) = (out, err)
        try process.run()
        process.waitUntilExit()
        let words = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(process.terminationStatus == 4, "\(words)")
        #expect(words.contains("65534") && words.contains("group"))
    }

    /// A copy that nobody else's folder permissions keep from being run.
    private static func readable(_ product: String) throws -> String {
        let copy = "/tmp/qst-\(product)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.copyItem(atPath: Products.url(product).path, toPath: copy)
        chmod(copy, 0o755)
        return copy
    }

    @Test func metricsAreWhatPrometheusReads() async throws {
        let daemon = try await SimulatedDaemon()
        let answer = try #require(daemon.owner.ask("GET", "/metrics"))
        #expect(answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
        var typed: Set<Substring> = []
        for line in answer.body.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE") { typed.insert(words[2]) }
            guard !line.hasPrefix("#") else { continue }
            #expect(typed.contains(words[0].prefix { $0 != "{" }), "\(line)")
            #expect(words.count == 2 && Double(words[1]) != nil, "\(line)")
        }
        #expect(typed.contains("basestation_sessions_open"), "\(typed)")
    }

    /// One page after the other, none twice, none left out, and nonsense refused.
    @Test func usageGoesOnAfterTheLastRecord() async throws {
        let daemon = try await SimulatedDaemon()
        for client in 1...3 {
            let session = try daemon.ask(
                client, "POST", "/v1/sessions", OpenSessionBody(freeTariff: "free"), as: BuyerSessionView.self)
            #expect(try daemon.ask(client, "DELETE", "/v1/sessions/\(session.sessionId)").status == 200)
        }
        let all = try await daemon.control.get("/v1/usage", as: [Signed<UsageRecord>].self).map(\.claim.session)
        #expect(all.count == 3)
        for (index, session) in all.enumerated() {
            let rest = try await daemon.control.get("/v1/usage?after=\(session)", as: [Signed<UsageRecord>].self)
            #expect(rest.map(\.claim.session) == Array(all.dropFirst(index + 1)))
        }
        #expect(daemon.owner.ask("GET", "/v1/usage?after=nonsense")?.problem == "malformed")
        #expect(daemon.owner.ask("GET", "/v1/usage?after=\(String(repeating: "0", count: 32))")?.problem == "unknown")
    }

    @Test func aReloadChangesPricesAndDisconnectsNobody() async throws {
        let daemon = try await SimulatedDaemon()
        let session = try daemon.ask(1, "POST", "/v1/sessions", OpenSessionBody(freeTariff: "free"), as: BuyerSessionView.self)
        var text = try String(contentsOf: daemon.configuration, encoding: .utf8)
        text = text.replacingOccurrences(of: "0.01", with: "0.03")
        try text.write(to: daemon.configuration, atomically: true, encoding: .utf8)
        #expect(daemon.owner.ask("POST", "/v1/config/reload")?.status == 200)
        #expect(try daemon.ask(2, "GET", "/v1/offer").body.contains("0.03"))
        #expect(try daemon.ask(1, "GET", "/v1/sessions/\(session.sessionId)").body.contains(#""state":"active""#))
        try text.replacingOccurrences(of: "0.03", with: "0.04").write(to: daemon.configuration, atomically: true, encoding: .utf8)
        daemon.signal(SIGHUP)
        for _ in 0..<100 where !(try daemon.ask(2, "GET", "/v1/offer").body.contains("0.04")) {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try daemon.ask(2, "GET", "/v1/offer").body.contains("0.04"))
        try text.replacingOccurrences(of: "[portal]", with: "[portl]").write(
            to: daemon.configuration, atomically: true, encoding: .utf8)
        let refused = try #require(daemon.owner.ask("POST", "/v1/config/reload"))
        #expect(refused.status >= 400 && refused.body.contains("portal"))
        #expect(try daemon.ask(2, "GET", "/v1/offer").body.contains("0.04"))
    }
}
