import Primitives
import Testing

@testable import Netlink

/// nl80211's messages, built from the numbers of linux/nl80211.h as they stand in the ABI.
struct WirelessTests {
    private static let mac = MACAddress("02:00:00:00:01:00")!

    /// A generic netlink payload: command, version, reserved, attributes.
    private func payload(_ command: UInt8, _ attributes: (inout MessageBuilder) -> Void) -> [UInt8] {
        var builder = MessageBuilder()
        builder.message(type: 0, flags: 0) { builder in
            builder.append([command, 1, 0, 0])
            attributes(&builder)
        }
        return Array(builder.bytes.dropFirst(Message.headerSize))
    }

    private func station(_ command: UInt8) -> [UInt8] {
        payload(command) { builder in
            builder.attribute(3, native: UInt32(7))  // ifindex
            builder.attribute(6, bytes: Self.mac.octets)
            builder.nest(21) { builder in  // sta_info
                builder.attribute(1, native: UInt32(250))  // inactive time
                builder.attribute(7, native: Int8(-30))  // signal
                builder.nest(8) { builder in  // tx bitrate
                    builder.attribute(1, native: UInt16(540))
                    builder.attribute(5, native: UInt32(70_000))
                }
                builder.nest(14) { $0.attribute(1, native: UInt16(60)) }  // rx bitrate
                builder.attribute(9, native: UInt32(11))  // packets received
                builder.attribute(10, native: UInt32(12))
                builder.attribute(16, native: UInt32(90))  // connected time
                builder.attribute(17, bytes: [0xff, 0, 0, 0, 2, 0, 0, 0])  // flags: authorized
                builder.attribute(23, native: UInt64(5_000_000_000))  // bytes received
                builder.attribute(24, native: UInt64(6))
            }
        }
    }

    @Test func aStationIsRead() throws {
        let one = try #require(WirelessStation.decode(payload: station(19)))
        #expect(one.interface == 7 && one.mac == Self.mac && one.isAuthorized && one.signal == -30)
        #expect(one.bytesReceived == 5_000_000_000 && one.bytesSent == 6 && one.packetsReceived == 11 && one.packetsSent == 12)
        #expect(one.rateSent == 70_000 && one.rateReceived == 60)
        #expect(one.inactiveMilliseconds == 250 && one.connectedSeconds == 90)
        #expect(WirelessStation.decode(payload: payload(19) { $0.attribute(3, native: UInt32(7)) }) == nil)
    }

    @Test func eventsAreTold() {
        #expect(WirelessEvent.decode(payload: station(19)) == .joined(interface: 7, Self.mac))
        #expect(WirelessEvent.decode(payload: station(20)) == .left(interface: 7, Self.mac))
        #expect(WirelessEvent.decode(payload: payload(36) { _ in }) == .regulatory)
        #expect(WirelessEvent.decode(payload: payload(8) { _ in }) == .changed)
        #expect(WirelessEvent.decode(payload: payload(94) { $0.attribute(168, native: UInt32(0)) }) == .radar)
        #expect(WirelessEvent.decode(payload: payload(94) { $0.attribute(168, native: UInt32(1)) }) == nil)  // the check is done
        #expect(WirelessEvent.decode(payload: payload(200) { _ in }) == nil)
        #expect(WirelessEvent.decode(payload: []) == nil)
    }

    @Test func aRadioIsReadFromManyMessages() throws {
        let part = payload(3) { builder in
            builder.attribute(1, native: UInt32(0))
            builder.attribute(2, text: "phy0")
            builder.nest(32) { builder in builder.attribute(3, bytes: []) }  // it can be an access point
            builder.nest(22) { builder in
                builder.nest(0) { builder in
                    builder.nest(1) { builder in
                        builder.nest(0) { builder in
                            builder.attribute(1, native: UInt32(2_412))
                            builder.attribute(6, native: UInt32(2_000))
                        }
                        builder.nest(1) { builder in
                            builder.attribute(1, native: UInt32(5_260))
                            builder.attribute(3, bytes: [])
                            builder.attribute(5, bytes: [])
                        }
                        builder.nest(2) { builder in
                            builder.attribute(1, native: UInt32(2_484))
                            builder.attribute(2, bytes: [])
                        }
                    }
                }
            }
        }
        let radio = try #require(Wiphy.decode(payload: part))
        #expect(radio.name == "phy0" && radio.canBeAccessPoint && radio.channels.map(\.megahertz) == [2_412, 5_260, 2_484])
        #expect(radio.channels[0].maximumPower == 2_000 && !radio.channels[0].isDisabled)
        #expect(radio.channels[1].isListenOnly && radio.channels[1].needsRadarCheck && radio.channels[2].isDisabled)
    }

    @Test func aFamilyIsRead() throws {
        let family = payload(1) { builder in
            builder.attribute(1, native: UInt16(28))
            builder.nest(7) { builder in
                builder.nest(1) { builder in
                    builder.attribute(1, text: "mlme")
                    builder.attribute(2, native: UInt32(5))
                }
            }
        }
        #expect(try #require(GenericFamily.decode(payload: family)).id == 28)
        #expect(GenericFamily.decode(payload: family)?.groups == ["mlme": 5])
    }

    /// Cut anywhere, or with any byte changed, it is read or refused: it never traps.
    @Test func nothingThatIsBrokenTraps() {
        let whole = station(19)
        let named = 4 + 8 + 12  // header, interface, address: without them it is nobody
        for end in 0..<whole.count {
            #expect((WirelessEvent.decode(payload: Array(whole.prefix(end))) != nil) == (end >= named - 2), "\(end) bytes")
        }
        for place in whole.indices {
            for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                var other = whole
                other[place] = value
                _ = WirelessStation.decode(payload: other)
                _ = Wiphy.decode(payload: other)
                _ = WirelessInterface.decode(payload: other)
                _ = GenericFamily.decode(payload: other)
            }
        }
    }

    /// An access point's own words: whoever sends them may lie about every length.
    @Test(
        arguments: [
            ([0, 4, 67, 97, 102, 101, 1, 1, 2], "Cafe"), ([1, 1, 2, 0, 2, 104, 105], "hi"), ([0, 0], ""), ([], ""), ([0], ""),
            ([0, 200, 65], ""), ([1, 255, 0, 1, 65], ""), ([0, 33] + [UInt8](repeating: 65, count: 33), ""),
        ] as [([UInt8], String)])
    func aCellIsRead(_ elements: [UInt8], _ ssid: String) throws {
        let message = payload(34) { builder in
            builder.attribute(3, native: UInt32(7))
            builder.nest(47) { builder in  // bss
                builder.attribute(1, bytes: Self.mac.octets)
                builder.attribute(2, native: UInt32(2_437))
                builder.attribute(5, native: UInt16(0x11))  // capability: ESS, privacy
                builder.attribute(6, bytes: elements)
                builder.attribute(7, native: Int32(-4_200))
            }
        }
        let cell = try #require(WirelessCell.decode(payload: message))
        #expect(cell.bssid == Self.mac && cell.megahertz == 2_437 && cell.signal == -4_200 && cell.isProtected)
        #expect(String(decoding: cell.ssid, as: UTF8.self) == ssid)
        #expect(WirelessCell.decode(payload: Array(message.prefix(20))) == nil)
    }

    @Test func aSurveyIsRead() throws {
        let message = payload(51) { builder in
            builder.nest(84) { builder in  // survey info
                builder.attribute(1, native: UInt32(2_437))
                builder.attribute(2, native: Int8(-95))
                builder.attribute(4, native: UInt64(1_000))
                builder.attribute(5, native: UInt64(250))
            }
        }
        let survey = try #require(WirelessSurvey.decode(payload: message))
        #expect(survey.megahertz == 2_437 && survey.noise == -95 && survey.listened == 1_000 && survey.busy == 250)
        #expect(WirelessSurvey.decode(payload: payload(51) { $0.attribute(3, native: UInt32(7)) }) == nil)
    }
}
