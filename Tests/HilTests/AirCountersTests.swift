import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// Three who count the same packets: the radio (station dump), the interface, and the gate. What lies between them is headers.
///
/// ```
///  an IP packet of n bytes          up (from the device)                down (to the device)
///  the gate, and so the bill        n                                   n
///  the interface                    n + 14: Ethernet                    n + 34: as the radio
///  the radio's station dump         n + 50: QoS data 26, LLC/SNAP 8,    n + 34: the same before it is
///                                          CCMP 8 and its MIC 8                 encrypted
/// ```
@Suite(hardwareInTheLoop, .serialized)
struct AirCountersTests {
    private struct Counters {
        var radio: Carried
        var interface: Carried

        init(_ port: String, _ mac: MACAddress) throws {
            var numbers: [String: UInt64] = [:]
            for line in try run(["iw", "dev", port, "station", "get", "\(mac)"]).stdout.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                if parts.count == 2 { numbers[parts[0]] = UInt64(parts[1]) }
            }
            func value(_ name: String) throws -> UInt64 { try #require(numbers[name], "\(name) of \(numbers)") }
            radio = Carried(
                up: try value("rx bytes"), down: try value("tx bytes"), packetsUp: try value("rx packets"),
                packetsDown: try value("tx packets"))
            func file(_ name: String) throws -> UInt64 {
                let text = try String(contentsOfFile: "/sys/class/net/\(port)/statistics/\(name)", encoding: .utf8)
                return try #require(UInt64(text.trimmed))
            }
            interface = Carried(
                up: try file("rx_bytes"), down: try file("tx_bytes"), packetsUp: try file("rx_packets"),
                packetsDown: try file("tx_packets"))
        }
    }

    /// Exact wherever nothing else was on the air meanwhile, which the packets' numbers tell.
    @Test(arguments: [Sky.Security.wpa2, .wpa3]) func radioInterfaceAndGateAgree(security: Sky.Security) throws {
        let station = try AirStation(devices: 1)
        let mac = station.sky.devices[0].mac
        let key = try station.sell("1GB", to: "Alice", mac: mac)
        let supplicant = try station.join(0, key, security)
        defer { supplicant.close() }
        try station.getAddress(0)
        try station.expectService(0)
        let port = station.sky.accessPoint + (security == .wpa3 ? "s" : "")

        // Less to be said beside the packets: no neighbour discovery. What is left is ARP and the radio's own.
        try station.sky.devices[0].namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        var exact = 0
        for attempt in 0..<30 where exact < 2 {
            let (before, billed) = (try Counters(port, mac), try #require(try station.session(0)))
            let carriedBefore = try station.wire.carriedAtLast(client: 0)
            let size = [64, 1_000, 1_372][attempt % 3]
            _ = try station.move(Traffic(attempt.isMultiple(of: 2) ? .download : .upload, packets: 100, size: size, idle: 2), 0)
            let carried = try station.wire.carriedAtLast(client: 0) - carriedBefore
            let after = try Counters(port, mac)
            let (radio, interface) = (after.radio - before.radio, after.interface - before.interface)
            // Whatever else there was (ARP, advertisements, a retry of the radio's): nobody counts less than the gate.
            #expect(radio.packetsUp >= carried.packetsUp && interface.packetsUp >= carried.packetsUp)
            #expect(radio.up >= carried.up + 50 * carried.packetsUp && interface.up >= carried.up + 14 * carried.packetsUp)
            #expect(radio.down >= carried.down + 34 * carried.packetsDown)
            #expect(interface.down >= carried.down + 34 * carried.packetsDown)
            try waitUntil("the bill", timeout: .seconds(10), every: .milliseconds(100)) {
                let session = try #require(try station.session(0))
                return session.bytesUp - billed.bytesUp == carried.up && session.bytesDown - billed.bytesDown == carried.down
            }
            let packets = (carried.packetsUp, carried.packetsDown)
            guard (radio.packetsUp, radio.packetsDown) == packets, (interface.packetsUp, interface.packetsDown) == packets else {
                print("others were on the air: wire \(carried), radio \(radio), interface \(interface)")
                continue
            }
            exact += 1
            #expect(radio.up == carried.up + 50 * carried.packetsUp)
            #expect(radio.down == carried.down + 34 * carried.packetsDown)
            #expect(interface.up == carried.up + 14 * carried.packetsUp)
            #expect(interface.down == carried.down + 34 * carried.packetsDown)
        }
        #expect(exact == 2, "the air was never quiet")
    }
}
