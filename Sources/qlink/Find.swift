import ArgumentParser
import ChainClient
import Ledger
import Primitives
import StationAPI

/// Stations near a place, from the chain's registry [WIFI-4].
struct Find: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds stations near a place.", usage: "qlink find --near LAT,LON [--radius 2km] [options]",
        discussion: """
            Each is proved to be registered, with --genesis; a node can still leave
            some out. Example: qlink find --near 52.52,13.405 --radius 2km
            """)
    @Option(help: "Latitude and longitude in degrees.") var near: String
    @Option(help: "How far around, like 500m or 2km; at most 100km.") var radius = "2km"
    @Option(help: "At most so many stations.") var limit: UInt64 = 20
    @OptionGroup var chain: ChainOptions

    private struct View: Encodable {
        var assetId: Bytes32
        var distanceM: UInt64
        var kind: String
        var ssid: String
        var bssid: String
        var endpoint: String
        var geohash: String
        var owner: String
        var downlinkBitsPerSecond: UInt64
        var uplinkBitsPerSecond: UInt64
        var tariff: Bytes32
        var proof: ProofView
    }

    func run() async throws {
        guard (1...100).contains(limit) else { throw ValidationError("the limit is 1 to 100") }
        let (place, metres) = (try cell(near), try metres(radius))
        var client = try await chain.open()
        let found = try await client.stations(around: place, within: metres, atMost: limit, waits: chain.waits)
        chain.keep(client)
        let views = found.map { view($0, client) }
        if chain.json { return try printJSON(views) }
        guard !views.isEmpty else { return print("no station within \(radius)") }
        for view in views {
            let speed = "\(view.downlinkBitsPerSecond / 1_000_000)/\(view.uplinkBitsPerSecond / 1_000_000) Mbit/s"
            print(
                Screen.right("\(view.distanceM) m", 9) + "  " + Screen.fit(view.ssid, 32) + "  " + Screen.fit(speed, 16)
                    + view.kind)
            print("           \(view.assetId)")
            if !view.endpoint.isEmpty { print("           " + view.endpoint) }
        }
        print(Screen.wrap(ProofView(all: found.map(\.standing), otherwise: "").words))
    }

    /// Text of the registry was written by whoever registered it.
    private func view(_ nearby: ChainClient.Nearby, _ client: ChainClient) -> View {
        let facts = nearby.facts
        let bssid = (0..<6).map { Hex.encode([UInt8(truncatingIfNeeded: facts.bssid >> UInt64(40 - 8 * $0))]) }
        return View(
            assetId: nearby.id, distanceM: nearby.metres, kind: "\(facts.kind)".inSnakeCase,
            ssid: String(decoding: facts.ssid, as: UTF8.self).printable, bssid: bssid.joined(separator: ":"),
            endpoint: facts.endpoint.printable, geohash: facts.geohash, owner: client.address(nearby.owner),
            downlinkBitsPerSecond: facts.downlink, uplinkBitsPerSecond: facts.uplink, tariff: facts.tariff,
            proof: ProofView(nearby.standing))
    }

    private func cell(_ text: String) throws -> String {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0.drop { $0 == " " }) }
        guard parts.count == 2, let latitude = parts[0], let longitude = parts[1],
            let cell = Geohash.cell(latitude: latitude, longitude: longitude)
        else { throw ValidationError("\"\(text)\" is no place; write it like 52.52,13.405") }
        return cell
    }

    private func metres(_ text: String) throws -> UInt64 {
        let (digits, unit): (Substring, Double) = text.hasSuffix("km") ? (text.dropLast(2), 1_000) : (text.dropLast(), 1)
        guard text.hasSuffix("m"), let number = Double(digits), (1...100_000).contains(number * unit) else {
            throw ValidationError("\"\(text)\" is no distance from 1m to 100km")
        }
        return UInt64(number * unit)
    }
}
