import Primitives
import SimulatedHAL
import Testing

@Suite struct IPAddressText {
    /// RFC 5952, sections 1, 4 and 5; RFC 4291, section 2.2.
    @Test(arguments: [
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:aaaa:bbbb:cccc:dddd::1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"), ("::", "::"), ("0:0:0:0:0:0:0:0", "::"),
        ("::1", "::1"), ("1::", "1::"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("::ffff:192.0.2.1", "::ffff:c000:201"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("FE80::0202:B3FF:FE1E:8329", "fe80::202:b3ff:fe1e:8329"),
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    ])
    func hasOneWrittenForm(_ text: String, _ canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
        #expect(IPAddress(canonical)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ",
        " 1.2.3.4", "0x1.2.3.4", "1.2.3.٤", "1..3.4", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7::8",
        "12345::", "g::", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::1:", ":1::", "+1::", "-1::", "fe80::1%eth0", "[::1]", "::1/64",
        "1.2.3.4::", "1.2.3.4::1", "1:1.2.3.4::5", "::1.2.3.4:5", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "::1\u{0}", "::\u{301}1",
        "1:2:3:4:5:6:7:8:1.2.3.4:1.2.3.4:1.2.3.4:1.2.3.4",
    ])
    func refusesWhatIsNotAnAddress(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func printsWhatItReads() {
        var random = SplitMix64(seed: 5)
        for round in 0..<2_000 {
            let bytes = (0..<(round % 2 == 0 ? 16 : 4)).map { _ in
                random.next() % 3 == 0 ? UInt8(truncatingIfNeeded: random.next()) : 0
            }
            let address = IPAddress(bytes: bytes)!
            #expect(address.bytes == bytes)
            #expect(IPAddress(address.description) == address)
        }
        #expect(IPAddress(bytes: [1, 2, 3]) == nil)
        #expect(IPAddress(bytes: [UInt8](repeating: 0, count: 17)) == nil)
    }

    @Test(arguments: [
        ("10.0.0.1", true, false), ("0.0.0.0", false, false), ("127.0.0.1", false, false), ("224.0.0.1", false, false),
        ("255.255.255.255", false, false), ("169.254.1.1", true, true), ("::", false, false), ("::1", false, false),
        ("ff02::1", false, false), ("fe80::1", true, true), ("febf::1", true, true), ("fec0::1", true, false),
        ("2001:db8::1", true, false), ("::2", true, false),
    ])
    func tellsWhatAClientCanOwn(_ text: String, isUnicast: Bool, isLinkLocal: Bool) {
        let address = IPAddress(text)!
        #expect(address.isUnicast == isUnicast)
        #expect(address.isLinkLocal == isLinkLocal)
    }

    @Test(arguments: [
        ("10.255.0.1", true, false), ("11.0.0.1", false, true), ("172.15.0.1", false, true), ("172.16.0.1", true, false),
        ("172.31.255.1", true, false), ("172.32.0.1", false, true), ("192.168.9.9", true, false), ("192.169.0.1", false, true),
        ("100.63.0.1", false, true), ("100.64.0.1", true, false), ("100.127.0.1", true, false), ("100.128.0.1", false, true),
        ("169.254.0.1", false, false), ("127.0.0.1", false, false), ("2001:db8::1", false, true), ("3fff::1", false, true),
        ("4000::1", false, false), ("fd00::1", false, false), ("fe80::1", false, false),
    ])
    func tellsWhereAnAddressIsGood(_ text: String, isPrivateIPv4: Bool, isGlobal: Bool) {
        let address = IPAddress(text)!
        #expect(address.isPrivateIPv4 == isPrivateIPv4)
        #expect(address.isGlobal == isGlobal)
    }

    @Test func unwrapsMappedAddressesAlone() {
        #expect(IPAddress("::ffff:10.0.0.1")!.unmapped == IPAddress("10.0.0.1"))
        #expect(IPAddress("::10.0.0.1")!.unmapped == IPAddress("::10.0.0.1"))
        #expect(IPAddress("1::ffff:10.0.0.1")!.unmapped == IPAddress("1::ffff:10.0.0.1"))
        #expect(IPAddress("10.0.0.1")! < IPAddress("10.0.0.2")!)
        #expect(IPAddress("255.0.0.1")! < IPAddress("::1")!)
    }
}
