import Primitives
import SimulatedHAL
import Testing

@Suite struct QLCText {
    @Test(
        arguments: [
            ("0", 0), ("12", 1_200_000_000), ("0.5", 50_000_000), ("0.00000001", 1), ("0.10000000", 10_000_000),
            ("600000000", 60_000_000_000_000_000), ("000000001.5", 150_000_000),
        ] as [(String, UInt64)])
    func readsDecimals(_ text: String, _ units: UInt64) {
        #expect(QLC(text)?.units == units)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1 ", "0.000000001", "600000000.00000001", "600000001",
        "1000000000", "1.5.5", "0x10", "٣", "1\u{301}", "1.٣", "１", "1\u{0}", "NaN", "inf", "1_000",
        "99999999999999999999999999", "0.\u{200d}1",
    ])
    func refusesWhatIsNotAnAmount(_ text: String) {
        #expect(QLC(text) == nil)
    }

    @Test func printsWhatItReads() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<2_000 {
            let amount = QLC(units: (random.next() % (QLC.supply.units + 1)) >> (random.next() % 60))
            #expect(QLC(amount.description) == amount)
            #expect(amount.description.split(separator: ".")[1].count == 8)
        }
    }

    @Test func comparesAndNeverWraps() {
        #expect(QLC(units: .max) + QLC(units: 1) == QLC(units: .max))
        #expect(QLC(units: 1) - QLC(units: 2) == .zero)
        #expect(QLC(units: 3) - QLC(units: 2) == QLC(units: 1))
    }
}

@Suite struct ByteCountText {
    @Test(
        arguments: [
            ("0", 0), ("1500", 1_500), ("1kB", 1_000), ("20MB", 20_000_000), ("20 mb", 20_000_000), ("1.5GB", 1_500_000_000),
            ("1GiB", 1 << 30), ("0.5KiB", 512), ("1.999999999 GB", 1_999_999_999), ("18446744073709551615", .max),
            ("0.000000001GB", 1), ("16777215.999999999TiB", 18_446_744_073_709_550_516),
        ] as [(String, UInt64)])
    func readsWhatPeopleWrite(_ text: String, _ bytes: UInt64) {
        #expect(ByteCount(text)?.bytes == bytes)
    }

    @Test(arguments: [
        "", "MB", "-1", "+1", "1 XB", "1..5kB", "1.kB", ".5kB", "1.5.5kB", "18446744073709551616", "18446745TB",
        "16777216TiB", "1.0000000001GB", "1 k B", "1  kB", "٣kB", "1e3", "1\u{301}kB", "18446744073709551615.9kB",
    ])
    func refusesWhatIsNotASize(_ text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1_000, "1.00 kB"), (1_005, "1.00 kB"), (12_345, "12.3 kB"), (999_999, "999 kB"),
            (1_500_000_000, "1.50 GB"), (1_050_000_000, "1.05 GB"), (.max, "18446744 TB"),
        ] as [(UInt64, String)])
    func printsThreeFigures(_ bytes: UInt64, _ text: String) {
        #expect(ByteCount(bytes: bytes).description == text)
    }

    @Test func printsNeverMoreThanThereIs() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<2_000 {
            let bytes = random.next() >> (random.next() % 64)
            let read = ByteCount(ByteCount(bytes: bytes).description)?.bytes
            #expect(read != nil && read! <= bytes && bytes - read! <= bytes / 100, "\(bytes)")
        }
    }
}

@Suite struct MACAddressText {
    @Test func printsWhatItReads() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<500 {
            let mac = MACAddress(value: random.next())
            #expect(MACAddress(mac.description) == mac)
            #expect(MACAddress(octets: mac.octets) == mac)
        }
        #expect(MACAddress("02:AB:cd:00:00:11")?.description == "02:ab:cd:00:00:11")
    }

    @Test(arguments: [
        "", "02:00:00:00:00", "02:00:00:00:00:00:00", "2:0:0:0:0:11", "02-00-00-00-00-11", "020000000011",
        "02:00:00:00:00:1g", "02:00:00:00:00:+1", " 02:00:00:00:00:11", "02:00:00:00:00:11\u{0}",
        "02:00:00:00:00:1\u{301}", "::::::",
    ])
    func refusesWhatIsNotOne(_ text: String) {
        #expect(MACAddress(text) == nil)
    }

    @Test func tellsGroupsFromDevices() {
        #expect(MACAddress("01:00:5e:00:00:01")!.isMulticast)
        #expect(!MACAddress("02:00:5e:00:00:01")!.isMulticast)
    }
}

@Suite struct HexText {
    @Test func printsWhatItReads() {
        let all = (0...255).map(UInt8.init)
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.decode("DeadBeef") == [0xde, 0xad, 0xbe, 0xef])
        #expect(Hex.decode("") == [])
        #expect(Hex.encode([0x0f, 0xa0]) == "0fa0")
    }

    @Test(arguments: ["0", "0g", "0x00", " 00", "00 ", "é", "٠٠", "0\u{0}"])
    func refusesWhatIsNotHexadecimal(_ text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test func refusesAnotherLength() {
        #expect(Hex.decode("0011", count: 2) != nil)
        #expect(Hex.decode("0011", count: 1) == nil)
        #expect(Hex.decode("0011", count: 3) == nil)
        #expect(Bytes32(String(repeating: "0", count: 63)) == nil)
        #expect(Bytes32(String(repeating: "0", count: 66)) == nil)
    }

    @Test func bytes32OrdersAsItsBytes() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<200 {
            let raw = (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var larger = raw
            let at = Int(random.next() % 32)
            guard raw[at] < 255 else { continue }
            larger[at] += 1
            #expect(Bytes32(raw)! < Bytes32(larger)!)
            #expect(Bytes32(raw)!.bytes == raw)
            #expect(Bytes32(Bytes32(raw)!.description) == Bytes32(raw))
        }
        #expect(Bytes32([UInt8](repeating: 0, count: 31)) == nil)
    }
}
