import BoundedJSON
import Foundation
import HAL
import Lab
import Mining
import MiningPool
import MoneroLab
import NIOCore
import NIOPosix
import Primitives
import ProofOfWork
import Store
import Stratum
import Synchronization
import Testing

/// What strangers do to a pool, and what happens to it: members are served all the same.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OwnPoolFaultTests {
    private static let member = PrivateKey(seed: Array(repeating: 1, count: 32))!.publicKey
    private static let login = #"{"id":1,"method":"login","params":{"login":"NAME","pass":"x","agent":"test"}}"#

    private static func login(_ name: String) -> String { login.replacingOccurrences(of: "NAME", with: name) }

    /// Whoever does not speak the protocol, or lies, is let go, and comes not back for a while; a true member is served afterwards.
    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "[]\n", "{}\n", String(repeating: "x", count: 1 << 20), "\u{0}\u{1}\u{2}\n",
        String(repeating: "{\"id\":1,\"method\":\"keepalived\",\"params\":{}}\n", count: 80),
        "{\"method\":\"submit\",\"params\":7}\n",
    ]) func whoSpeaksOtherwiseIsBanned(words: String) async throws {
        let lab = try await PoolLab(difficulty: 1)
        let stranger = try await RawMiner(lab.port)
        try await stranger.say(words)
        try await stranger.isLetGo()
        let bans = await lab.server.status().tally.bans
        #expect(bans == 1)
        let again = try await RawMiner(lab.port)
        try await again.isLetGo()
        let turnedAway = await lab.server.status().tally.turnedAway
        #expect(turnedAway == 1)
        await lab.stop()
    }

    @Test(arguments: ["nobody", "4ADDRESS", "qlc1", ""]) func whoHasNoAddressIsToldSo(name: String) async throws {
        let lab = try await PoolLab(difficulty: 1)
        let miner = try await RawMiner(lab.port)
        try await miner.say(Self.login(name) + "\n")
        let answer = try await miner.answer()
        #expect(answer["result"] == nil && answer["error"]?["message"] != nil, "\(answer)")
        try await miner.isLetGo()
        let bans = await lab.server.status().tally.bans
        #expect(bans == 0)
        await lab.stop()
    }

    /// Each share is hashed: what is no work is nobody's, and three lies are enough.
    @Test func falseSharesAreNotCountedAndEndInABan() async throws {
        let lab = try await PoolLab(difficulty: 1_000_000)
        let miner = try await RawMiner(lab.port)
        try await miner.say(Self.login("\(Address(Self.member, on: .test))+2") + "\n")
        let result = try #require(try await miner.answer()["result"])
        let (session, job) = (RawMiner.text(result["id"]), RawMiner.text(result["job"]?["job_id"]))
        for nonce in 2...4 {
            try await miner.say(Self.submit(session, job, nonce: nonce))
            let answer = try await miner.answer(to: nonce)
            #expect(RawMiner.text(answer["error"]?["message"]) == "Invalid share", "\(answer)")
        }
        try await miner.isLetGo()
        let status = await lab.server.status()
        #expect(status.tally.refused[.invalid] == 3 && status.tally.accepted == 0 && status.tally.bans == 1)
        #expect(status.members.allSatisfy { $0.account.work == 0 })
        await lab.stop()
    }

    private static func submit(_ session: String, _ job: String, nonce: Int) -> String {
        let hash = String(repeating: "0", count: 64)
        return """
            {"id":\(nonce),"method":"submit","params":{"id":"\(session)","job_id":"\(job)","nonce":"\(String(format: "%08x", nonce))","result":"\(hash)"}}

            """
    }

    /// The process that checks dies, monerod goes and comes back, a member reads nothing: shares are counted all the same.
    @Test func membersGoOnWhileThingsFail() async throws {
        let lab = try await PoolLab(difficulty: 1_000_000)
        let deaf = try await RawMiner(lab.port, reads: false)
        try await deaf.say(Self.login("\(Address(Self.member, on: .test))") + "\n")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await mine(at: lab.address, lab.login(Self.member)) }
            defer { group.cancelAll() }
            try await lab.wait(for: "shares") { $0.tally.accepted >= 3 }
            for round in 1...3 as ClosedRange<UInt64> {
                let before = await lab.server.status().tally.accepted
                // Those of this machine that are our own children: the pool's, and the member's.
                for pid in try Self.children(named: "basestation-min") { kill(pid, SIGKILL) }
                try await lab.wait(for: "shares after round \(round) of kills") { $0.tally.accepted >= before + 2 }
            }
            lab.monero.stop()
            try await lab.wait(for: "a word that monerod is gone") { $0.tally.noWork != nil }
            let before = await lab.server.status().tally.accepted
            try await lab.wait(for: "shares without monerod") { $0.tally.accepted > before }
            try await lab.monero.start()
            try await lab.wait(for: "jobs again") { $0.tally.noWork == nil }
        }
        let refused = await lab.server.status().tally.refused
        #expect(refused[.invalid] == nil)
        await lab.stop()
    }

    /// Who is no pool of the owner's choice gets no login, and a miner without TLS none of a pool that speaks it.
    @Test func membersSpeakTLSWithAPoolThatTheyHavePinned() async throws {
        let lab = try await PoolLab(difficulty: 1_000_000, usesTLS: true)
        let mining = Task { await mine(at: lab.address, lab.login(Self.member)) }
        try await lab.wait(for: "shares over TLS") { $0.tally.accepted >= 2 }
        mining.cancel()
        let plain = try await RawMiner(lab.port)
        try await plain.say(Self.login("\(Address(Self.member, on: .test))") + "\n")
        try await plain.isLetGo()
        await lab.stop()
    }

    @Test(arguments: ["", "no certificate"]) func aCertificateThatIsNoneIsNamed(text: String) async throws {
        let lab = try await PoolLab(difficulty: 1)
        let path = lab.folder.path + "/pool.pem"
        if !text.isEmpty { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        let error = await #expect(throws: PoolCertificateError.self) {
            _ = try await PoolLab.server(lab.port, lab.terms, lab.monero, lab.store, (path, path), lab.pay)
        }
        #expect(error?.description.contains(path) == true && error?.description.contains("PEM") == true)
        await lab.stop()
    }

    @Test func aBlockThatIsFoundWhileMonerodIsAwayIsHandedInLater() async throws {
        let lab = try await PoolLab(difficulty: 600)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await mine(at: lab.address, lab.login(Self.member)) }
            defer { group.cancelAll() }
            // Before it has hashed anything: its process is still preparing.
            try await lab.wait(for: "the member") { $0.members.contains { $0.connections > 0 } }
            lab.monero.stop()
            try await lab.wait(for: "a block", within: 200) { $0.statements > 0 }
            let away = await lab.server.status()
            #expect(away.tally.blocks == 0 && away.openBlocks.count >= 1)
            try await lab.monero.start()
            try await lab.wait(for: "monerod to have it") { $0.tally.blocks > 0 }
        }
        let block = try #require(try await lab.store.poolBlock(1))
        let header = try await lab.monero.node.header(of: block.statement.claim.block)
        #expect(header?.height == 1 && header?.isOrphan == false)
        await lab.stop()
    }

    private static func children(named name: String) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init).filter { pid in
            // What has none has ended.
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
            let fields = text.split(separator: " ")
            return text.contains("(\(name)") && fields.count > 4 && fields[3] == "\(getpid())"
        }
    }

    /// A disk that cannot be written: nobody is told that a share counts.
    @Test func aShareThatIsNotOnDiskIsNotAccepted() async throws {
        let lab = try await PoolLab(difficulty: 1_000_000)
        let disk = FailingDisk(lab.store)
        let server = try await lab.server(on: disk, port: UInt16(freePort()))
        let running = Task { await server.run() }
        var status = await server.status()
        while status.port == nil || status.tally.height == 0 {
            try await Task.sleep(for: .milliseconds(20))
            status = await server.status()
        }
        let port = try #require(status.port)
        let events = SourceEvents()
        let mining = Task {
            await mine(at: PoolAddress(host: "127.0.0.1", port: port, trust: .plain), lab.login(Self.member)) { events.add($0) }
        }
        let why = try await events.next { if case .refused(_, _, _, let why) = $0 { why } else { nil } }
        #expect(why?.contains("disk") == true, "\(why ?? "")")
        let trouble = await server.status().tally.diskTrouble
        #expect(trouble != nil)
        disk.isBroken.store(false, ordering: .relaxed)
        _ = try await events.next { if case .accepted = $0 { true } else { nil } }
        let accounts = try await lab.store.pool().accounts
        #expect(accounts.map(\.member) == [Self.member])
        mining.cancel()
        running.cancel()
        await running.value
        await lab.stop()
    }

    /// The miner that everybody runs: its shares count, and it understands our jobs (Tests/Lab/xmrig.sh).
    @Test(.enabled(if: Xmrig.isThere, "run Tests/Lab/xmrig.sh build/xmrig"), arguments: [false, true])
    func xmrigMinesHere(usesTLS: Bool) async throws {
        let lab = try await PoolLab(difficulty: 150, usesTLS: usesTLS)
        let miner = try Lab.start(
            [
                Xmrig.path, "-o", "127.0.0.1:\(lab.port)", "-u", "\(Address(Self.member, on: .test))+20", "-p", "x", "--rig-id",
                "roof", "-a",
                "rx/0", "--threads", "1", "--randomx-mode", "light", "--no-huge-pages", "--no-color", "--donate-level", "0",
            ] + (usesTLS ? ["--tls", "--tls-fingerprint", LabPool.Certificate.own.sha256] : []))
        defer { miner.close() }
        try await lab.wait(for: "a block of xmrig's, and shares for the next") { status in
            status.tally.blocks >= 1 && status.tally.accepted >= 10 && status.tally.height > 1
        }
        let status = await lab.server.status()
        #expect(status.tally.refused[.invalid] == nil && status.tally.refused[.lowDifficulty] == nil && status.tally.bans == 0)
        let work = try #require(status.members.first).account.work
        #expect(work >= status.tally.accepted * 20, "\(miner.stdout)")
        await lab.stop()
    }
}

enum Xmrig {
    static let path = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../build/xmrig/xmrig").standardizedFileURL
        .path
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) }
}
