import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// IPv6 on the air: addresses by advertisement, and every byte of it in the bill.
@Suite(hardwareInTheLoop, .serialized)
struct SixTests {
    @Test func advertisedAddressedAndCounted() throws {
        let station = try AirStation(devices: 1)
        let supplicant = try station.join(0, station.sell("1GB", to: "Alice"))
        defer { supplicant.close() }
        let device = station.sky.devices[0]
        func addresses(_ interface: String, in namespace: Namespace?) throws -> [IPAddress] {
            let words = ["ip", "-6", "-o", "address", "show", "dev", interface, "scope", "global", "-tentative"]
            return try (namespace?.run(words).stdout ?? run(words).stdout).split(separator: "\n").compactMap { line in
                line.split(whereSeparator: \.isWhitespace).first { $0.contains("/") }
                    .flatMap { IPAddress(String($0.prefix { $0 != "/" })) }
            }
        }
        try waitUntil("an advertised address", timeout: .seconds(60), every: .milliseconds(500)) {
            try !addresses(device.interface, in: device.namespace).isEmpty
        }
        let own = try addresses(device.interface, in: device.namespace)
        let stations = try #require(try addresses(station.sky.accessPoint, in: nil).first)
        // A unique local /64 (RFC 4193) of the station's, with the station as the way out.
        for address in own {
            guard case (.v6(let high, _), .v6(let prefix, _)) = (address, stations) else {
                Issue.record("\(address), \(stations)")
                continue
            }
            #expect(high == prefix && high >> 56 == 0xfd && high != 0xfd77_0000_0000_0000)
        }
        #expect(try device.namespace.run("ip", "-6", "route", "show", "default").stdout.contains("proto ra"))

        try waitUntil("IPv6 to be served", timeout: .seconds(30)) {
            try station.move(Traffic(.download, packets: 3, size: 100, idle: 0.5), 0, over: .v6).ended == .complete
        }
        #expect(try station.move(.download(.tcp, bytes: 100_000, rate: 500_000), 0, over: .v6).ended == .complete)
        #expect(try station.move(.upload(bytes: 50_000, rate: 500_000), 0, over: .v6).ended == .complete)
        let carried = try station.wire.carriedAtLast(client: 0)
        #expect(carried.down > 100_000 && carried.up > 50_000)
        try waitUntil("the session to have it all", timeout: .seconds(20), every: .milliseconds(200)) {
            let session = try station.session(0)
            return session?.bytesUp == carried.up && session?.bytesDown == carried.down
        }
        #expect(try station.session(0)?.clientAddresses.contains { own.contains($0) } == true)
    }
}
