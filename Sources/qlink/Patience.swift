import StationAPI
import StationClient

/// A station may restart under a session: the kernel serves on meanwhile, so the wallet asks again for a minute.
struct Patience {
    private static let tries = 120

    func ask(_ request: () async throws -> BuyerSessionView) async throws -> BuyerSessionView {
        for _ in 1..<Self.tries {
            do { return try await request() } catch is StationUnreachable {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
        return try await request()
    }
}
