import NIOCore
import Primitives
import Testing

@testable import Peering

@Suite struct NetworkTests {
    @Test func framesGoBothWaysBetweenTwoKeys() async throws {
        let one = try Node(1)
        try await withNodes(one) {
            let two = try await Node(2, listens: false, dials: [one.address])
            try await withNodes(two) {
                await eventually("they are linked") { await areLinked(one, two) }
                let block = [UInt8](repeating: 5, count: 300_000)
                #expect(await one.network.send([1, 2], type: Node.note, to: two.id))
                #expect(await one.network.send(block, type: Node.large, to: two.id))
                #expect(await two.network.broadcast([3], type: Node.note) == 1)
                await eventually("frames are there") {
                    two.received(from: one.id) == [[1, 2]] && two.received(from: one.id, type: Node.large) == [block]
                        && one.received(from: two.id) == [[3]]
                }
                #expect(await one.network.send([], type: Node.note, to: key(9).publicKey) == false)
                await eventually("round trips are measured") { await one.network.peers.allSatisfy { $0.roundTrip != nil } }
                let seen = await one.network.peers
                #expect(seen.map(\.info.hello.software) == ["node 2"] && seen.map(\.info.isInbound) == [true])
                #expect(seen.allSatisfy { $0.info.hello.networkTime == 100 })
            }
            await eventually("it said goodbye") { one.goodbyes(of: two.id) == [.told(.leaving)] }
        }
    }

    @Test func aNodeThatOnlyDialsGetsEverything() async throws {
        let one = try Node(1), two = try Node(2)
        try await withNodes(one, two) {
            let hidden = try await Node(3, listens: false, dials: [one.address, two.address])
            try await withNodes(hidden) {
                await eventually("both are reached") { await hidden.network.peers.count == 2 }
                for (index, node) in [one, two].enumerated() {
                    await node.network.broadcast([UInt8(index)], type: Node.note, except: nil)
                    await eventually("it hears node \(index)") { hidden.received(from: node.id) == [[UInt8(index)]] }
                }
                #expect(await hidden.network.port == nil)
            }
        }
    }

    @Test(arguments: [Goodbye.wrongChain, .wrongVersion]) func strangersPartAndRememberIt(_ reason: Goodbye) async throws {
        let node = try Node(1)
        try await withNodes(node) {
            let hello = helloFrame { if reason == .wrongChain { $0.chainID = .zero } else { $0.version = 2 } }
            let answer = frames(in: await RawClient(port: node.port, tls: try clientTLS()).exchange(hello))
            #expect(answer.map(\.type) == [FrameType.hello, FrameType.goodbye])
            #expect(answer.last?.payload.readableBytesView.elementsEqual([reason.rawValue]) == true)
        }
        #expect(node.events.isEmpty)
    }

    @Test func anotherChainIsNotDialledAgain() async throws {
        let there = try Node(2) { $0.chainID = .zero }
        try await withNodes(there) {
            let port = await there.port
            let here = try Node(1, dials: [ConfiguredPeer(host: "127.0.0.1", port: port)])
            try await withNodes(here) {
                await eventually("it is remembered") { await here.network.redials[0].stranger }
                #expect(await here.network.redials[0].notBefore - .now > .seconds(80_000))
            }
            #expect(here.events.isEmpty)
        }
        #expect(there.events.isEmpty)
    }

    @Test func aNodeDoesNotTalkToItself() async throws {
        let first = try Node(1)
        let port = try await withNodes(first) { await first.port }
        let node = try Node(1, dials: [ConfiguredPeer(host: "127.0.0.1", port: port)]) { $0.listen?.port = port }
        try await withNodes(node) {
            await eventually("it knows its own address") { await node.network.redials[0].stranger }
            #expect(await node.network.peers.isEmpty)
        }
        #expect(node.events.isEmpty)
    }

    @Test func crossedLinksBecomeOne() async throws {
        let ports = try await freePorts(2)
        let nodes = try (0..<2).map { index in
            try Node(UInt8(index + 1), dials: [ConfiguredPeer(host: "127.0.0.1", port: ports[1 - index])]) {
                $0.listen?.port = ports[index]
            }
        }
        try await withNodes(nodes[0], nodes[1]) {
            await eventually("one link is left, seen alike from both ends") {
                let (a, b) = await (nodes[0].network.peers, nodes[1].network.peers)
                return a.count == 1 && b.count == 1 && a[0].info.isInbound != b[0].info.isInbound
            }
            // The other link may still come to its end: what was sent on that one is lost.
            await eventually("it carries frames") {
                await nodes[0].network.send([4], type: Node.note, to: nodes[1].id)
                return !nodes[1].received(from: nodes[0].id).isEmpty
            }
        }
    }

    @Test(arguments: [(true, false), (false, true), (true, true), (false, false)])
    func bothEndsKeepTheSameOfTwoLinks(oldIsInbound: Bool, newIsInbound: Bool) {
        let (a, b) = (key(1).publicKey, key(2).publicKey)
        #expect(
            DuplicateRule.keepsNew(own: a, peer: b, oldIsInbound: oldIsInbound, newIsInbound: newIsInbound)
                == DuplicateRule.keepsNew(own: b, peer: a, oldIsInbound: !oldIsInbound, newIsInbound: !newIsInbound))
        // Whichever of the two came first.
        guard oldIsInbound != newIsInbound else { return }
        #expect(
            DuplicateRule.keepsNew(own: a, peer: b, oldIsInbound: oldIsInbound, newIsInbound: newIsInbound)
                != DuplicateRule.keepsNew(own: a, peer: b, oldIsInbound: newIsInbound, newIsInbound: oldIsInbound))
    }

    @Test func aNodeThatReturnsIsDialledAgain() async throws {
        let port = try await freePorts(1)[0]
        let dialler = try Node(2, listens: false, dials: [ConfiguredPeer(host: "127.0.0.1", port: port)])
        try await withNodes(dialler) {
            for _ in 0..<2 {
                let node = try Node(1) { $0.listen?.port = port }
                try await withNodes(node) {
                    await eventually("it is there") { await areLinked(node, dialler) }
                }
                await eventually("it is gone") { await dialler.network.peers.isEmpty }
            }
            await eventually("both goodbyes were heard") {
                dialler.goodbyes(of: key(1).publicKey) == [.told(.leaving), .told(.leaving)]
            }
        }
    }

    /// Node 3 knows node 1 alone, learns of node 2 from it, and after a restart needs nobody to tell it.
    @Test func addressesTravelAndSurviveARestart() async throws {
        let file = ScratchFile()
        let one = try Node(1)
        try await withNodes(one) {
            let two = try await Node(2, dials: [one.address])
            try await withNodes(two) {
                await eventually("node 1 knows where node 2 listens") { one.book.read { $0.table.entries.count } == 1 }
                let three = try await Node(3, listens: false, dials: [one.address], book: file.path)
                try await withNodes(three) {
                    await eventually("it finds node 2") { await three.isLinked(to: two.id) }
                }
                let again = try Node(3, listens: false, book: file.path)
                #expect(again.book.read { $0.anchors.count } == 2)
                try await withNodes(again) {
                    await eventually("it finds both again") { await again.network.peers.count == 2 }
                }
            }
        }
    }
}

/// Ports that were free a moment ago.
func freePorts(_ count: UInt8) async throws -> [UInt16] {
    var ports: [UInt16] = []
    for index in 0..<count {
        let node = try Node(200 + index)
        ports.append(try await withNodes(node) { await node.port })
    }
    return ports
}
