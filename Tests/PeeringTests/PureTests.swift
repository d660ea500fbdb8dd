import NIOCore
import Primitives
import SimulatedHAL
import Testing

@testable import Peering

@Suite struct FrameTests {
    @Test func anyFragmentsGiveTheSameFrames() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<50 {
            let payloads = (0..<random.number(1...20)).map { _ in random.bytes(random.number(0...1000)) }
            var stream = payloads.flatMap { frame(Node.note, $0) }[...]
            var decoder = FrameDecoder(limits: Node.frames)
            var read: [[UInt8]] = []
            while !stream.isEmpty {
                let part = stream.prefix(random.number(1...700))
                stream = stream.dropFirst(part.count)
                decoder.append(ByteBuffer(bytes: part))
                while let frame = try decoder.next() { read.append(Array(frame.payload.readableBytesView)) }
            }
            #expect(read == payloads)
            #expect(decoder.heldBytes == 0)
        }
    }

    @Test(
        arguments: [
            ([0xff, 0xff, 0xff, 0xff, 16], FrameError.tooLong(type: 16, length: .max, limit: 1000)),
            ([0xe9, 0x03, 0, 0, 16], .tooLong(type: 16, length: 1001, limit: 1000)), ([0, 0, 0, 0, 18], .unknownType(18)),
            ([1, 0, 0, 0, 4], .tooLong(type: 4, length: 1, limit: 0)),
        ] as [([UInt8], FrameError)]) func aWrongHeaderIsRefusedBeforeAnythingIsHeld(_ header: [UInt8], _ error: FrameError)
    {
        var decoder = FrameDecoder(limits: Node.frames)
        for byte in header.dropLast() {
            decoder.append(ByteBuffer(bytes: [byte]))
            #expect(throws: Never.self) { try decoder.next() }
        }
        decoder.append(ByteBuffer(bytes: header.suffix(1)))
        #expect(throws: error) { try decoder.next() }
        #expect(decoder.heldBytes < 64)
    }

    /// Announced: 300,000 bytes. Come: five.
    @Test func memoryFollowsWhatCame() throws {
        var decoder = FrameDecoder(limits: Node.frames)
        decoder.append(ByteBuffer(bytes: [0xe0, 0x93, 0x04, 0x00, Node.large]))
        #expect(try decoder.next() == nil)
        #expect(decoder.heldBytes < 64)
    }

    @Test func randomBytesNeverStopTheProgram() {
        var random = SplitMix64(seed: 2)
        var refused = 0
        for _ in 0..<2000 {
            var decoder = FrameDecoder(limits: Node.frames)
            decoder.append(ByteBuffer(bytes: random.bytes(random.number(0...100))))
            do {
                while let frame = try decoder.next() {
                    let bytes = Array(frame.payload.readableBytesView)
                    // What is read at all is written the same again.
                    #expect((try? Hello(canonicalBytes: bytes))?.canonicalBytes ?? bytes == bytes)
                    #expect((try? AddressList(canonicalBytes: bytes))?.canonicalBytes ?? bytes == bytes)
                }
            } catch { refused += 1 }
        }
        #expect(refused > 1_000)
    }

    /// By hand from the layout in `Hello` and `PeerAddress`.
    @Test func theWireFormIsThis() throws {
        let hello = Hello(chainID: Node.chain, listeningPort: 0x1234, software: "ab", networkTime: 256)
        let bytes: [UInt8] =
            [1, 0] + [UInt8](repeating: 7, count: 32) + [0x34, 0x12, 2, 0, 0, 0, 0x61, 0x62, 0, 1, 0, 0, 0, 0, 0, 0]
        #expect(hello.canonicalBytes == bytes)
        #expect(try Hello(canonicalBytes: bytes) == hello)
        let list = AddressList([Endpoint("1.2.3.4:80")!, Endpoint("[2001:db8::1]:443")!])
        let two: [UInt8] =
            [2, 0, 0, 0, 4, 1, 2, 3, 4, 80, 0, 6, 0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1, 0xbb, 1]
        #expect(list.canonicalBytes == two)
        #expect(try AddressList(canonicalBytes: two) == list)
        #expect(frame(Node.note, [9]) == [1, 0, 0, 0, 16, 9])
    }

    @Test func addressListsAreBounded() {
        let many = AddressList((0..<65).map { Endpoint(address: .v4($0), port: 1) })
        #expect(throws: CanonicalError.tooLong(length: 65, limit: 64)) { try many.encoded() }
        #expect(throws: CanonicalError.self) { try AddressList(canonicalBytes: [1, 0, 0, 0, 5, 1, 2, 3, 4, 80, 0]) }
    }

    @Test(arguments: [
        ("example.org:4000", true), ("1.2.3.4:1", true), ("[2001:db8::1]:9", true), ("\(key(1).publicKey)@h:1", true),
        ("h", false),
        ("h:0", false), ("h:65536", false), (":1", false), ("2001:db8::1:9", false), ("abc@h:1", false), ("h:+1", false),
    ]) func configuredPeersAreReadStrictly(_ text: String, isGood: Bool) {
        #expect(ConfiguredPeer(text)?.description == (isGood ? text : nil))
    }
}

@Suite struct RateTests {
    @Test func aBucketGivesItsBurstThenItsRate() {
        var bucket = TokenBucket(perSecond: 10, burst: 20, at: .zero)
        let first = (0..<30).count { _ in bucket.takeIfThere(1, at: .zero) }
        #expect(first == 20)
        #expect(bucket.wait(at: .zero) == .milliseconds(100))
        #expect(bucket.takeIfThere(1, at: .zero + .milliseconds(99)) == false)
        #expect(bucket.takeIfThere(1, at: .zero + .milliseconds(100)) == true)
        let later = (0..<30).count { _ in bucket.takeIfThere(1, at: .zero + .seconds(100)) }
        #expect(later == 20)
    }

    @Test func debtIsBoundedAndPaid() {
        var bucket = TokenBucket(perSecond: 10, burst: 20, at: .zero)
        bucket.take(.max, at: .zero)
        #expect(bucket.wait(at: .zero) <= .seconds(3))
        #expect(bucket.wait(at: .zero + .seconds(3)) == .zero)
        // A clock that goes back gives nothing, and takes nothing.
        bucket.take(10, at: .zero)
        #expect(bucket.wait(at: Instant(nanoseconds: .min)) > .zero)
    }

    @Test func onlyAFloodThatLastsIsAFault() {
        var limits = PeeringLimits()
        (limits.framesPerSecond, limits.floodPatience) = (10, .seconds(5))
        // Frames a second, and whether that is a flood.
        for (rate, isFlood) in [(5, false), (9, false), (12, true), (100, true)] {
            var throttle = Throttle(limits, at: .zero)
            var floods = 0
            for step in 0..<600 {
                let now = Instant.zero + .milliseconds(step * 100)
                for _ in 0..<rate * (step + 1) / 10 - rate * step / 10 where throttle.pause(at: now) == .zero {
                    throttle.receivedFrame(at: now)
                }
                if throttle.isFlooded(at: now) { floods += 1 }
            }
            #expect((floods > 0) == isFlood, "\(rate) frames a second")
        }
    }

    @Test func bytesBeyondTheRatePauseAndAreNoFault() {
        var throttle = Throttle(PeeringLimits(), at: .zero)
        throttle.received(bytes: 3 * PeeringLimits().bytesPerSecond, at: .zero)
        #expect(throttle.pause(at: .zero) > .milliseconds(900))
        #expect(throttle.isFlooded(at: .zero + .seconds(100)) == false)
    }
}

@Suite struct StandingTests {
    private let peer = PeerStandings.Subject.peer(key(1).publicKey)

    @Test func pointsFadeAndAddUpToABanThatEnds() {
        var standings = PeerStandings()
        #expect(standings.punish(peer, 50, at: .zero) == false)
        #expect(standings.points(of: peer, at: .zero + .seconds(600)) == 40)
        #expect(standings.punish(peer, 59, at: .zero + .seconds(600)) == false)
        #expect(standings.punish(peer, 1, at: .zero + .seconds(600)) == true)
        #expect(standings.isBanned(peer, at: .zero + .seconds(600 + 86_399)))
        #expect(!standings.isBanned(peer, at: .zero + .seconds(600 + 86_400)))
        #expect(standings.points(of: peer, at: .zero + .seconds(600 + 86_400)) == 0)
        #expect(standings.punish(peer, 99, at: .zero + .seconds(100_000)) == false)
        #expect(standings.punish(peer, .max, at: .zero + .seconds(100_000)) == true)
    }

    @Test func theMemoryOfFaultsIsBoundedAndKeepsTheWorst() {
        var standings = PeerStandings(), random = SplitMix64(seed: 1)
        standings.ban(peer, at: .zero)
        for _ in 0..<3000 {
            let other = PublicKey(raw: Bytes32(random.bytes(32))!)
            _ = standings.punish(.peer(other), UInt32(random.number(1...60)), at: .zero)
        }
        #expect(standings.standings.count == PeerStandings.capacity)
        #expect(standings.isBanned(peer, at: .zero))
    }

    @Test func fewComeInFromOneAddressOneNetworkAndInAll() {
        var limits = PeeringLimits()
        (limits.inboundPerAddress, limits.inboundPerGroup, limits.inboundLinks, limits.acceptsPerSecond) = (2, 3, 5, 100)
        var gate = InboundGuard(limits, at: .zero)
        func admitted(_ addresses: String...) -> [Bool] { addresses.map { gate.admit(IPAddress($0)!, at: .zero) } }
        #expect(admitted("1.1.1.1", "1.1.1.1", "1.1.1.1") == [true, true, false])
        #expect(admitted("1.1.1.2", "1.1.1.3", "1.1.2.1") == [true, false, true])
        #expect(admitted("2001:db8::1", "2001:db8::2") == [true, false])
        gate.release(IPAddress("1.1.1.1")!)
        #expect(admitted("2001:db8::2", "2001:db8:0:1::1") == [true, false])
        #expect(gate.count == 5)
    }

    @Test func refusedFloodsDoNotUseUpTheSecond() {
        var limits = PeeringLimits()
        (limits.inboundPerAddress, limits.acceptsPerSecond) = (1, 2)
        var gate = InboundGuard(limits, at: .zero)
        for _ in 0..<100 { _ = gate.admit(IPAddress("1.1.1.1")!, at: .zero) }
        let others = (2..<9).map { gate.admit(.v4($0 << 24), at: .zero) }
        #expect(others.count { $0 } == 3)
        #expect(gate.admit(.v4(99 << 24), at: .zero + .seconds(1)) == true)
    }
}
