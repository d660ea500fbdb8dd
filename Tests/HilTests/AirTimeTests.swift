import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// Time on the air is charged while the device is there, to the second.
@Suite(hardwareInTheLoop, .serialized)
struct AirTimeTests {
    /// How long a device was there at most and at least, by what this test saw around its coming and going.
    private struct Stay {
        var shortest = Duration.zero
        var longest = Duration.zero
        private var began = ContinuousClock.now
        private var isCertain = ContinuousClock.now

        /// From before it began to come, until it was seen to be there.
        mutating func comes(_ body: () throws -> Void) rethrows {
            began = .now
            try body()
            isCertain = .now
        }

        /// From when it was last there for certain, until it was gone for certain.
        mutating func goes(_ body: () throws -> Void) rethrows {
            shortest += ContinuousClock.now - isCertain
            try body()
            longest += ContinuousClock.now - began
        }
    }

    /// She leaves and comes back; her access point dies under her; she walks out of range without a word, and comes back.
    @Test func aStayIsChargedToTheSecond() throws {
        let station = try AirStation(devices: 1)
        let key = try JSON.decode(
            KeyView.self,
            from: Data(AirStation.ask("key", "create", "--name", "Alice", "--free", "--tariff", "free", "--json").utf8))
        let device = station.sky.devices[0]
        var (stay, supplicant) = (Stay(), LabProcess?.none)
        defer { supplicant?.close() }
        func becomes(_ state: String, within seconds: Int = 60) throws {
            try waitUntil("the session to be \(state)", timeout: .seconds(seconds), every: .milliseconds(50)) {
                try station.session(0)?.state == state
            }
        }

        try stay.comes {
            supplicant = try station.join(0, key)
            try becomes("active")
        }
        let id = try #require(try station.session(0)?.sessionId)
        try station.getAddress(0)
        try stay.goes {
            try device.ask("disconnect")
            try becomes("away")
        }
        sleep(4)  // nothing of it is charged
        try stay.comes {
            try device.ask("reconnect")
            try becomes("active")
        }
        sleep(3)

        try stay.goes {
            for process in AirStation.processes("hostapd") { kill(process, SIGKILL) }
            try waitUntil("the break", timeout: .seconds(20), every: .milliseconds(10)) { try station.associations().isEmpty }
        }
        try stay.comes {
            try waitUntil("her return", timeout: .seconds(60), every: .milliseconds(50)) {
                try device.hasJoined() && station.session(0)?.state == "active"
            }
        }
        try station.expectService(0)

        try stay.goes {
            #expect(try station.move(.upload(bytes: 20_000, rate: 200_000), 0).ended == .complete)
            try device.walk(away: true)
        }
        // Silence: the access point parts with her after a while, and then it is known since when she was away.
        try becomes("away", within: 120)
        let charged = try #require(try station.session(0)?.durationSeconds)
        print("hil: charged \(charged) s for a stay of \(stay.shortest) to \(stay.longest)")
        // Whole seconds; and one for the look that finds each of three comings and goings.
        #expect(charged >= UInt64(max(0, stay.shortest.components.seconds - 3)))
        #expect(charged <= UInt64(stay.longest.components.seconds + 3))

        try device.walk(away: false)
        try becomes("active", within: 90)
        #expect(try station.session(0)?.sessionId == id)
        #expect(try station.move(.download(bytes: 50_000, rate: 200_000), 0).ended == .complete)
    }
}
