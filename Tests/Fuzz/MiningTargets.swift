import MiningPool
import Monero
import Primitives
import ProofOfWork
import Stratum

/// What comes from pools, from miners, and from monerod.
extension FuzzTarget {
    private static let second = Instant(nanoseconds: 1_000_000_000)

    /// The same lines in whatever pieces; neither side traps, says more than its limits, or goes on after its end.
    static let stratum = FuzzTarget(name: "stratum") { bytes in
        guard let first = bytes.first else { return }
        let (text, size) = (Array(bytes.dropFirst()), Int(first) + 1)
        let whole = lines(of: [text])
        let pieces = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }
        check(whole.count == lines(of: pieces).count, "the pieces made other lines")
        mine(whole)
        for manner in StratumManner.allCases { serve(whole, manner) }
    }

    /// Up to the first that is too long.
    private static func lines(of pieces: [[UInt8]]) -> [[UInt8]] {
        var (splitter, found) = (StratumLines(limit: 4_096), [[UInt8]]())
        for piece in pieces {
            splitter.append(piece)
            do throws(StratumLines.TooLong) { while let line = try splitter.next() { found.append(line) } } catch { return found }
        }
        check(found.allSatisfy { !$0.isEmpty && $0.count <= 4_096 }, "a line is too long, or none")
        return found
    }

    private static func mine(_ lines: [[UInt8]]) {
        var client = StratumClient(StratumLogin(login: "a", password: "x", rig: "r", agent: "t"))
        _ = client.begin(at: second)
        var (isOver, job) = (false, Job?.none)
        for (number, line) in lines.enumerated() {
            let now = second + .seconds(Int64(number))
            var actions = client.handle(line, at: now)
            if let job { actions += client.submit(Share(jobID: job.id, nonce: UInt32(number), hash: .zero), at: now) }
            for action in actions + client.tick(at: now) {
                switch action {
                case .send(let line): check(!isOver && line.count <= StratumLines.minerLimit, "it talks on")
                case .job(let new):
                    check(!isOver && new.blob.count <= Job.blobLimit && new.id.utf8.count <= Job.idLimit, "a job without limits")
                    job = new
                case .close(let why, _):
                    check(!isOver && !why.unicodeScalars.contains { $0.value < 32 }, "it ends twice, or with control characters")
                    isOver = true
                case .accepted, .refused: break
                case .pool(let key):
                    actions = client.ask(statement: 1, at: now)
                    check(key.raw.bytes.count == 32 && actions.count <= 1, "it asks twice")
                case .statement(let statement, let proof):
                    check(statement == 1 && (proof?.count ?? 0) <= StratumLines.poolLimit / 2, "an answer to another question")
                }
            }
        }
    }

    private static func serve(_ lines: [[UInt8]], _ manner: StratumManner) {
        var session = StratumSession(manner, id: "7", poolKey: Seeds.poolKey.publicKey, at: .zero)
        for line in lines {
            for action in session.handle(line, at: .zero) {
                switch action {
                case .authorize(let identity):
                    check(identity.account.utf8.count <= 128 && identity.rig.utf8.count <= 256, "a name without limits")
                    let blob = [UInt8](repeating: 0, count: Job.leastBlob)
                    guard let job = Job(id: "1", blob: blob, target: Target(difficulty: 1), seedHash: .zero) else { return }
                    check(session.admit(job).count == 1 && session.admit(job).isEmpty, "it is let in twice")
                case .statement: check(session.identity != nil, "a stranger asks for statements")
                case .check(let submission): check(submission.share.jobID == "1", "a share of nobody's job")
                case .send(let line): check(line.count <= StratumLines.poolLimit, "a long answer")
                case .refused, .close, .ban: break
                }
            }
        }
    }

    /// What a pool signs is believed only if it signed it, and only if it adds up.
    static let pool = FuzzTarget(name: "pool") { bytes in
        let (pool, member) = (Seeds.poolKey.publicKey, Seeds.member)
        if let proof = try? PoolProof(canonicalBytes: bytes), (try? proof.check(by: pool, for: member)) != nil {
            check(bytes == Seeds.proof, "a proof that the pool did not give")
        }
        var membership = PoolMembership(pool: pool, member: member)
        if (try? membership.take(bytes, work: 7)) != nil { check(bytes == Seeds.receipt, "a receipt that the pool did not give") }
        if let block = try? PoolBlock(canonicalBytes: bytes) {
            check(block.canonicalBytes == bytes, "a block has two encodings")
            check(block.lines.count <= PoolBlock.linesLimit, "lines without a limit")
        }
    }

    /// The hashing blob stands for every byte of a block: only the one that monerod gave is taken with it.
    static let monero = FuzzTarget(name: "monero") { bytes in
        var answer = Seeds.template
        answer.block = bytes
        guard (try? BlockTemplate(answer)) != nil else { return }
        check(bytes == Seeds.template.block, "another block has its hashing blob")
    }
}

extension Seeds {
    /// The first of Tests/Vectors/monero.json.
    static let template = BlockTemplate.Answer(
        block: Hex.decode(
            "1010a7f0a1d806418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e300000000023d01ff010180"
                + "8080f0ffff070390dbf31a5b61cbfbee74c465b301e8717eeac5ad2c3b9b805e44dff831d9e9e559330184b58c51edef2881"
                + "508242e3e820fb39478df1c255aa34cf723d52326e7851a20210000000000000000000000000000000000000")!,
        hashingBlob: Hex.decode(
            "1010a7f0a1d806418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e30000000099653d1e66e7ee"
                + "b07f7b7b8a768d8c5354c89ef335765b04137a85aed6af05c401")!,
        reservedOffset: 126, height: 1, difficulty: 1, reward: 35184338534400, previous: seed, seedHash: seed, nextSeedHash: nil)
    private static let seed = Bytes32("418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3")!

    static let poolKey = PrivateKey(seed: Array(repeating: 250, count: 32))!
    static let member = PrivateKey(seed: Array(repeating: 1, count: 32))!.publicKey
    /// A block of three members, and what one of them has of it.
    private static let books: (receipt: [UInt8], block: PoolBlock) = {
        var books = PoolBooks(terms: PoolTerms(qlcPerXMR: QLC(units: 1_000)), key: poolKey)
        for number in 1...3 as ClosedRange<UInt8> {
            _ = books.record(7, of: PrivateKey(seed: Array(repeating: number, count: 32))!.publicKey, difficulty: 100)
        }
        let receipt = books.receipt(for: member)!.canonicalBytes
        return (receipt, books.found(.init(block: .zero, height: 1, reward: 1 << 40, difficulty: 100))!)
    }()
    static let receipt = books.receipt
    static let proof = books.block.proof(for: member)!.canonicalBytes
    static func pool() -> [[UInt8]] { [receipt, proof, books.block.canonicalBytes] }

    /// The first byte is how long the pieces are.
    static func stratum() -> [[UInt8]] {
        let job = { (number: Int) in
            """
            {"blob":"1010a7f0a1d806418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e30000000099653d1e66e7eeb07f7b7b8a768d8c5354c89ef335765b04137a85aed6af05c401","job_id":"\(number)","target":"b88d0600","algo":"rx/0","height":1,"seed_hash":"418015bb9ae982a1975da7d79277c2705727a56894ba0fb246adaabb1f4632e3"}
            """
        }
        let lines = [
            #"{"id":1,"result":{"id":"7","job":"# + job(1) + #","extensions":["algo","keepalive","nicehash"],"status":"OK"}}"#,
            #"{"method":"job","params":"# + job(2) + "}",
            #"{"id":2,"error":{"code":-1,"message":"Low difficulty share"}}"#,
            #"{"id":3,"result":{"status":"OK","receipt":"00"}}"#,
            #"{"id":1,"method":"login","params":{"login":"a.b+9","pass":"x","agent":"t","algo":["rx/0"],"rigid":"r"}}"#,
            #"{"id":2,"method":"submit","params":{"id":"7","job_id":"1","nonce":"d0030040","result":"\#(Bytes32.zero)"}}"#,
            #"{"id":3,"method":"keepalived","params":{"id":"7"}}"#,
            #"{"id":4,"method":"statement","params":{"id":"7","number":1}}"#,
            #"{"id":1,"result":{"id":"7","pool_key":"\#(poolKey.publicKey)","job":"# + job(3) + #","extensions":["receipts"]}}"#,
            #"{"id":2,"result":{"proof":"\#(Hex.encode(proof))"}}"#,
        ]
        return [3, 255].map { [$0] + Array((lines.joined(separator: "\n") + "\r\n").utf8) }
    }
}
