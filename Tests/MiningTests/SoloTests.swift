import Foundation
import Glibc
import HAL
import Lab
import Logging
import Mining
import Monero
import MoneroLab
import NIOCore
import Primitives
import ProofOfWork
import Synchronization
import Testing

/// A real monerod with a chain of its own; the shipped program hashes.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SoloTests {
    /// The whole way: template, extra nonce, hash, block, height.
    @Test func blocksThatAreMinedAloneAreTaken() async throws {
        let lab = try await MoneroLab()
        let before = try await lab.height()
        let events = SourceEvents()
        let source = SoloSource(lab.node, wallet: MoneroLab.wallet, clocks: RealClocks())
        let worker = HashingWorker(
            .program(try Products.url("basestation-miner").path), clocks: RealClocks(), logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await worker.run { if case .share(let share) = $0 { await source.submit(share) } } }
            group.addTask {
                try await source.run { event in
                    if case .job(let job) = event { await worker.hash(job, by: HashingWorkerTests.light) }
                    events.add(event)
                }
            }
            defer { group.cancelAll() }
            for _ in 0..<3 {
                _ = try await events.next { if case .accepted(_, _, let found) = $0 { found } else { nil } }
            }
        }
        #expect(try await lab.height() >= before + 3)
        let top = try await lab.node.lastHeader()
        #expect(top.reward > 0 && !top.isOrphan)
        #expect(try await lab.node.header(of: top.hash) == top)
    }

    /// With its own name for it: what was handed in is what stands on the chain.
    @Test func aBlockHasTheNameThatWeGiveIt() async throws {
        let lab = try await MoneroLab()
        let template = try await lab.node.template(for: MoneroLab.wallet)
        // At difficulty 1 every hash does.
        try await lab.node.submit(template.block(extraNonce: [7, 7], nonce: 99))
        let header = try #require(try await lab.node.header(of: template.id(extraNonce: [7, 7], nonce: 99)))
        #expect(header.height == template.height && header.depth == 0)
        #expect(try await lab.node.header(of: template.id(extraNonce: [7, 7], nonce: 98)) == nil)
    }

    @Test func monerodMayGoAndComeBack() async throws {
        let lab = try await MoneroLab()
        let source = SoloSource(lab.node, wallet: MoneroLab.wallet, clocks: HastyClocks())
        try await withEvents(of: source) { events in
            let first = try await events.next { if case .job(let job) = $0 { job } else { nil } }
            lab.stop()
            let why = try await events.next { if case .lost(let why) = $0 { why } else { nil } }
            #expect(why?.contains("\(lab.address)") == true, "\(why ?? "")")
            try await lab.start()
            let second = try await events.next { if case .job(let job) = $0 { job } else { nil } }
            #expect(first?.id != second?.id && first?.blob != second?.blob)
        }
    }

    @Test func aShareOfABlockThatIsNoMoreTheNextIsStale() async throws {
        let lab = try await MoneroLab()
        let source = SoloSource(lab.node, wallet: MoneroLab.wallet, clocks: HastyClocks())
        try await withEvents(of: source) { events in
            let old = try #require(try await events.next { if case .job(let job) = $0 { job } else { nil } })
            let template = try await lab.node.template(for: MoneroLab.wallet)
            try await lab.node.submit(template.block(extraNonce: [1], nonce: 1))
            _ = try await events.next { if case .job(let job) = $0 { job } else { nil } }
            await source.submit(Share(jobID: old.id, nonce: 5, hash: .zero))
            let refusal = try await events.next { if case .refused(_, _, let refusal, _) = $0 { refusal } else { nil } }
            #expect(refusal == .stale)
            await source.submit(Share(jobID: "nobody's", nonce: 5, hash: .zero))
            let second = try await events.next { if case .refused(_, _, let refusal, _) = $0 { refusal } else { nil } }
            #expect(second == .stale)
        }
    }

    @Test(arguments: [
        "", "nobody", "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
    ])
    func anAddressThatIsNoneIsRefusedInWords(wallet: String) async throws {
        let lab = try await MoneroLab()
        let error = await #expect(throws: MoneroError.self) { try await lab.node.template(for: wallet) }
        #expect("\(try #require(error))".contains("primary addresses"))
    }

    /// Each holds up the miner for no longer than its limit, and is told of in words.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", "garbage\r\n\r\n",
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + String(repeating: "[", count: 5 << 20),
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"result\":{\"status\":\"OK\",\"block_header\":7}}       ",
    ])
    func whatIsNoMonerodIsToldOf(answer: String) async throws {
        let server = try await CannedServer(answer)
        let node = MoneroNode(at: server.address, timeout: .milliseconds(500))
        let began = ContinuousClock.now
        await #expect(throws: MoneroError.self) { try await node.lastHeader() }
        #expect(ContinuousClock.now - began < .seconds(10))
        try await server.close()
    }
}
