import Foundation
import Lab
import Primitives
import Testing

/// Who opens a web page and may not pass is led to the station's portal, by the kernel alone.
@Suite(kernelTests, .serialized)
struct PortalRedirectTests {
    /// Where a web server of the internet seems to send a client; nil when nothing answers.
    private func ledTo(_ running: RunningStation, _ client: Int, _ family: Family) throws -> String? {
        let device = running.lab.clients[client]
        let script = """
            exec 3<>/dev/tcp/\(device.server(family))/80 || exit 1
            printf 'GET / HTTP/1.1\\r\\nHost: web.example\\r\\nConnection: close\\r\\n\\r\\n' >&3
            timeout 4 cat <&3
            """
        let answer = try device.namespace.start(["timeout", "6", "bash", "-c", script]).wait(timeout: .seconds(10)).stdout
        let line = answer.split(separator: "\r\n").first { $0.lowercased().hasPrefix("location:") }
        return line.map { $0.dropFirst("location:".count).trimmingCharacters(in: .whitespaces) }
    }

    @Test(arguments: Family.allCases) func aStrangerAndAClientWithNothingLeft(family: Family) async throws {
        try await withStation(Plan(clients: 2)) { running, _ in
            #expect(try ledTo(running, 1, family)?.hasSuffix(":2050/portal") == true)
            let channel = try running.openChannel(0)
            let wallet = try running.connect(0, channel, limit: "0.001")
            try waitUntil("every address to be served", timeout: .seconds(5)) { try ledTo(running, 0, family) == nil }
            // 100,000 bytes are paid for; nothing goes on after them but the way to pay again.
            _ = try await running.lab.move(
                Traffic(.send, bytes: 400_000, size: 1_000, rate: 2_000_000, idle: 0.3), client: 0, over: family)
            #expect(try await !running.isServed(0, over: family))
            #expect(try ledTo(running, 0, family)?.hasSuffix(":2050/portal") == true)
            wallet.close()
            let richer = try running.connect(0, channel, limit: "0.5")
            try waitUntil("the way past the portal", timeout: .seconds(5)) { try ledTo(running, 0, family) == nil }
            #expect(try await running.isServed(0, over: family))
            try await running.leave(richer)
        }
    }
}
