import Glibc
import NIOCore
import NIOPosix
import Primitives
import Testing

@testable import Peering

/// Each of these is somebody who wants the node to stop, and a peer that must not notice.
@Suite struct HostileTests {
    enum Rubbish: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case hugeLength, unknownType, overLimit, reservedType, secondHello, noHello, brokenHello, unaskedAddresses
        var testDescription: String { rawValue }

        /// What is sent after TLS.
        var bytes: [UInt8] {
            switch self {
            case .hugeLength: helloFrame() + [0xff, 0xff, 0xff, 0xff, Node.note]
            case .unknownType: helloFrame() + [0, 0, 0, 0, 200]
            case .overLimit: helloFrame() + [0xe9, 0x03, 0, 0, Node.note]  // 1,001 bytes of a type that may have 1,000
            case .reservedType: helloFrame() + [0, 0, 0, 0, 9]
            case .secondHello: helloFrame() + helloFrame()
            case .noHello: frame(Node.note, [1])
            case .brokenHello: frame(FrameType.hello, Array(Hello().canonicalBytes.dropLast()))
            case .unaskedAddresses:
                helloFrame() + frame(FrameType.addresses, AddressList([Node.loopback]).canonicalBytes) + [0, 0, 0, 0, 200]
            }
        }
    }

    @Test(arguments: Rubbish.allCases) func rubbishEndsTheLinkAndIsRemembered(_ rubbish: Rubbish) async throws {
        let node = try Node(1)
        try await withNodes(node) {
            let answer = frames(in: await RawClient(port: node.port, tls: try clientTLS()).exchange(rubbish.bytes))
            let goodbye = try #require(answer.last)
            #expect(goodbye.type == FrameType.goodbye)
            #expect(
                [Goodbye.malformed.rawValue, Goodbye.banned.rawValue].contains { goodbye.payload.readableBytesView.first == $0 })
            await eventually("it is remembered") {
                node.book.read { book in
                    book.standings.points(of: .peer(key(99).publicKey), at: .now) > 0
                        || book.standings.points(of: .subscriber(.subscriber(.v4(0x7f00_0001))), at: .now) > 0
                        || book.standings.isBanned(.peer(key(99).publicKey), at: .now)
                }
            }
        }
    }

    @Test func twoFaultsAreABan() async throws {
        let node = try Node(1)
        try await withNodes(node) {
            let client = RawClient(port: await node.port, tls: try clientTLS())
            for count in 1...2 {
                _ = await client.exchange(Rubbish.unknownType.bytes)
                await eventually("it is over") { node.goodbyes(of: key(99).publicKey).count == count }
            }
            await eventually("it is banned") {
                node.book.read { $0.standings.isBanned(.peer(key(99).publicKey), at: .now) }
            }
            let answer = frames(in: await client.exchange(helloFrame()))
            #expect(answer.last?.payload.readableBytesView.elementsEqual([Goodbye.banned.rawValue]) == true)
        }
    }

    @Test func garbageBeforeTLSIsClosedAndCostsTheAddress() async throws {
        let node = try Node(1)
        try await withNodes(node) {
            let client = RawClient(port: await node.port, from: "127.0.0.2")
            for _ in 0..<10 { #expect(frames(in: await client.exchange(Array("GET / HTTP/1.1\r\n\r\n".utf8))).isEmpty) }
            await eventually("the address is banned") {
                node.book.read { $0.standings.isBanned(.subscriber(.subscriber(.v4(0x7f00_0002))), at: .now) }
            }
            let friend = try await Node(2, listens: false, dials: [node.address])
            try await withNodes(friend) { await eventually("others are served") { await areLinked(node, friend) } }
        }
    }

    /// One says nothing, one dribbles TLS, one finishes TLS and says nothing.
    @Test(arguments: [(false, false), (false, true), (true, false)])
    func whoStallsTheHandshakeIsPutOut(withTLS: Bool, dribbles: Bool) async throws {
        let node = try Node(1) { $0.limits.handshake = .milliseconds(300) }
        try await withNodes(node) {
            let client = RawClient(port: await node.port, tls: withTLS ? try clientTLS() : nil)
            _ = try? await client.connect { inbound, outbound in  // put out is what it should be
                try await withThrowingTaskGroup { group in
                    group.addTask { for try await _ in inbound {} }
                    if dribbles {
                        group.addTask {
                            for byte in [0x16, 0x03, 0x01, 0x02, 0x00, 0x01] + [UInt8](repeating: 0, count: 500) {
                                try await outbound.write(ByteBuffer(bytes: [byte]))
                                try await Task.sleep(for: .milliseconds(50))
                            }
                        }
                    }
                    try await group.next()
                    group.cancelAll()
                }
            }
            await eventually("its place is free") { node.network.gate.count == 0 }
        }
        #expect(node.events.isEmpty)
    }

    @Test func framesInSingleBytesArrive() async throws {
        let node = try Node(1)
        try await withNodes(node) {
            _ = try await RawClient(port: node.port, tls: try clientTLS()).connect { _, outbound in
                for byte in helloFrame() + frame(Node.note, [1, 2, 3]) { try await outbound.write(ByteBuffer(bytes: [byte])) }
                await eventually("the frame is whole") { node.received(from: key(99).publicKey) == [[1, 2, 3]] }
            }
        }
    }

    /// At most a burst and the rate are received, whatever is sent; a peer on another link keeps its turn.
    @Test func aFloodIsThrottledThenBannedAndOthersAreServed() async throws {
        let node = try Node(1) {
            $0.limits.framesPerSecond = 100
            $0.limits.floodPatience = .milliseconds(300)
        }
        try await withNodes(node) {
            let friend = try await Node(2, listens: false, dials: [node.address])
            try await withNodes(friend) {
                await eventually("the friend is there") { await areLinked(node, friend) }
                let started = Instant.now
                let port = await node.port
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        let flood = helloFrame() + Array(repeatElement(frame(Node.note, [9]), count: 100_000).joined())
                        _ = await RawClient(port: port, tls: try clientTLS()).exchange(flood)
                    }
                    group.addTask {
                        for index in 0..<20 as Range<UInt8> {
                            await node.network.send([index], type: Node.note, to: friend.id)
                            await eventually("the friend hears \(index)") { friend.received(from: node.id).contains([index]) }
                            try await Task.sleep(for: .milliseconds(20))
                        }
                    }
                    try await group.waitForAll()
                }
                let flooder = key(99).publicKey
                await eventually("the flooder is banned") { node.goodbyes(of: flooder) == [.ended(.banned)] }
                let elapsed = Int((Instant.now - started).wholeSeconds) + 1
                #expect(node.received(from: flooder).count <= 200 + 100 * elapsed)
                #expect(await areLinked(node, friend))
                #expect(
                    frames(in: await RawClient(port: port, tls: try clientTLS()).exchange(helloFrame())).last?.type
                        == FrameType.goodbye)
            }
        }
    }

    /// Nobody takes the events: the queue fills to its limits, the sockets are not read, and what is sent waits at the sender.
    @Test func withoutAReaderMemoryIsBounded() async throws {
        let node = try Node(1, readsEvents: false) { $0.limits.queuedEvents = 8 }
        try await withNodes(node) {
            let friend = try await Node(2, listens: false, dials: [node.address]) { $0.limits.queuedBytes = 2_000_000 }
            try await withNodes(friend) {
                await eventually("it is there") { await friend.isLinked(to: node.id) }
                let block = [UInt8](repeating: 1, count: 300_000)
                var queued = 0
                // Eight events, four frames ahead, the sockets' buffers, and the sender's queue.
                while queued < 200, await friend.network.send(block, type: Node.large, to: node.id) {
                    queued += 1
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(queued < 100)
                #expect(await friend.isLinked(to: node.id))
            }
        }
    }

    @Test func whoDoesNotReadIsDropped() async throws {
        let node = try Node(1) {
            $0.limits.stalledWrites = .milliseconds(400)
            $0.limits.queuedBytes = 8_000_000
        }
        try await withNodes(node) {
            let peer = key(99).publicKey
            _ = try? await RawClient(port: node.port, tls: try clientTLS()).connect { _, outbound in  // it is cut off
                try await outbound.write(ByteBuffer(bytes: helloFrame()))
                await eventually("it is there") { await node.isLinked(to: peer) }
                let block = [UInt8](repeating: 1, count: 300_000)
                // The sockets between them hold some megabytes, then the queue does.
                await eventually("it is dropped") {
                    await node.network.send(block, type: Node.large, to: peer)
                    return node.goodbyes(of: peer) == [.ended(.slowReader)]
                }
            }
        }
    }

    @Test func whoSaysNothingIsAskedAndThenDropped() async throws {
        let node = try Node(1) { ($0.limits.quietBeforePing, $0.limits.silence) = (.milliseconds(100), .milliseconds(500)) }
        try await withNodes(node) {
            let answer = frames(in: await RawClient(port: node.port, tls: try clientTLS()).exchange(helloFrame()))
            #expect(answer.count { $0.type == FrameType.ping } >= 2)
            await eventually("it is dropped") { node.goodbyes(of: key(99).publicKey) == [.ended(.silent)] }
        }
    }

    @Test func thousandsOfConnectionsFromOneAddressTakeThreePlaces() async throws {
        let node = try Node(1) { ($0.limits.inboundPerAddress, $0.limits.handshake) = (3, .seconds(30)) }
        try await withNodes(node) {
            let port = await node.port
            let before = residentKilobytes()
            let sockets = (0..<2000).map { _ in connectingSocket(from: 3, to: port) }
            defer { for socket in sockets where socket >= 0 { close(socket) } }
            #expect(sockets.allSatisfy { $0 >= 0 })
            // The kernel lets 256 wait at a time; the others knock again after seconds.
            await eventually("they are turned away") { sockets.count(where: isClosed) > 300 }
            #expect(node.network.gate.count == 3)
            // Two thousand handshakes would be over 100 MB.
            #expect(residentKilobytes() - before < 60_000)
            let friend = try await Node(2, listens: false, dials: [node.address])
            try await withNodes(friend) { await eventually("others are served") { await friend.isLinked(to: node.id) } }
        }
    }
}

/// Whether the other end has hung up.
private func isClosed(_ socket: Int32) -> Bool {
    var byte: UInt8 = 0
    let count = recv(socket, &byte, 1, Int32(MSG_DONTWAIT))
    return count == 0 || (count < 0 && errno == ECONNRESET)
}

/// A TCP connection from 127.0.0.`last` that may still be on its way, or −1.
private func connectingSocket(from last: UInt8, to port: UInt16) -> Int32 {
    func address(_ last: UInt8, _ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = (0x7f00_0000 | UInt32(last)).bigEndian
        return address
    }
    let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    var (own, other) = (address(last, 0), address(1, port))
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isConnected = withUnsafePointer(to: &own) { own in
        withUnsafePointer(to: &other) { other in
            bind(fd, UnsafeRawPointer(own).assumingMemoryBound(to: sockaddr.self), size) == 0
                && (connect(fd, UnsafeRawPointer(other).assumingMemoryBound(to: sockaddr.self), size) == 0
                    || errno == EINPROGRESS)
        }
    }
    guard isConnected else {
        close(fd)
        return -1
    }
    return fd
}

/// RSS of this process.
private func residentKilobytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 127, file) != nil else { return 0 }
    let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4
}
