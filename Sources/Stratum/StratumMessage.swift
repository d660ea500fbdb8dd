import BoundedJSON
import ProofOfWork
import Primitives

/// What pools of RandomX coins and their miners tell each other: JSON-RPC by the line, in the dialect of xmrig
/// (xmrig-proxy `doc/STRATUM.md`, `doc/STRATUM_EXT.md`).
public enum Stratum {
    /// The one algorithm here; it is RandomX as Monero has it.
    public static let algorithm = "rx/0"
    /// Texts in messages, in bytes: a login with difficulty and rig; an answer's words.
    static let textLimit = 512
    static let bounds = JSONBounds(bytes: StratumLines.poolLimit, depth: 8, values: 256)

    static func line(_ message: JSONValue) -> [UInt8] { message.bytes + [UInt8(ascii: "\n")] }

    /// What came over the wire may end on a terminal or in a log.
    static func plain(_ text: String, _ limit: Int = 200) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(limit)))
    }
}

extension JSONValue {
    /// nil: it is none, or too long.
    func text(_ name: String, limit: Int = Stratum.textLimit) -> String? {
        guard case .text(let text)? = self[name], text.utf8.count <= limit else { return nil }
        return text
    }

    var integer: Int64? { if case .integer(let value) = self { Int64(exactly: value) } else { nil } }
}

/// A job as it is written.
enum JobMessage {
    /// Why it cannot be worked on.
    struct Unfit: Error { let words: String }

    static func read(_ message: JSONValue, keepsHighByte: Bool) throws(Unfit) -> Job {
        if let algorithm = message.text("algo"), algorithm != Stratum.algorithm {
            throw Unfit(words: "it wants the algorithm \(Stratum.plain(algorithm, 40)), and this miner has \(Stratum.algorithm)")
        }
        guard let seed = message.text("seed_hash").flatMap({ Bytes32($0) }) else {
            throw Unfit(words: "its job has no seed_hash: is it a pool of RandomX?")
        }
        guard let id = message.text("job_id"), !id.isEmpty, let target = message.text("target").flatMap({ Target(hex: $0) }),
            let blob = message.text("blob", limit: 2 * Job.blobLimit).flatMap({ Hex.decode($0) })
        else { throw Unfit(words: "its job lacks a blob, a target or a name") }
        let height = message["height"]?.integer.flatMap { UInt64(exactly: $0) } ?? 0
        guard
            let job = Job(
                id: id, blob: blob, target: target, seedHash: seed, height: height, keepsHighByte: keepsHighByte)
        else { throw Unfit(words: "its job's blob has no place for a nonce") }
        return job
    }

    static func write(_ job: Job) -> JSONValue {
        .fields([
            "algo": .text(Stratum.algorithm), "blob": .text(Hex.encode(job.blob)), "height": .count(job.height),
            "job_id": .text(job.id), "seed_hash": .text(job.seedHash.description), "target": .text(job.target.hex),
        ])
    }
}
