import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// Whoever joins with a buyer's passphrase is that buyer, from the first byte to the last.
@Suite(hardwareInTheLoop, .serialized)
struct AirStationTests {
    @Test func buyersJoinMoveBytesAndAreTold() throws {
        let station = try AirStation(devices: 2)
        let alice = try station.sell("1GB", to: "Alice")
        let bob = try station.sell("1GB", to: "Bob", mac: station.sky.devices[1].mac)
        let first = try station.join(0, alice)
        let second = try station.join(1, bob, .wpa3)
        for (index, key) in [alice, bob].enumerated() {
            try station.getAddress(index)
            #expect(try station.move(.download(bytes: 300_000, rate: 500_000), index).ended == .complete)
            #expect(try station.move(.upload(bytes: 100_000, rate: 500_000), index).ended == .complete)
            let carried = try station.wire.carriedAtLast(client: index)
            try waitUntil("the session of device \(index) to have it all", timeout: .seconds(20), every: .milliseconds(200)) {
                let session = try station.session(index)
                return session?.bytesUp == carried.up && session?.bytesDown == carried.down
            }
            #expect(try station.session(index)?.buyer == key.buyer)
        }
        _ = (first, second)
    }
}
