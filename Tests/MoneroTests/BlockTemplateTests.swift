import Monero
import Primitives
import ProofOfWork
import PublishedVectors
import Testing

struct MoneroVectors: Decodable {
    struct Tree: Decodable { var root: String, leaves: [String] }
    struct Template: Decodable {
        var blocktemplateBlob, blockhashingBlob, prevHash, seedHash: String
        var reservedOffset, height, difficulty, expectedReward: UInt64

        var answer: BlockTemplate.Answer {
            BlockTemplate.Answer(
                block: Hex.decode(blocktemplateBlob)!, hashingBlob: Hex.decode(blockhashingBlob)!,
                reservedOffset: reservedOffset,
                height: height, difficulty: UInt128(difficulty), reward: expectedReward, previous: Bytes32(prevHash)!,
                seedHash: Bytes32(seedHash)!, nextSeedHash: nil)
        }
    }
    var keccak: [[String]]
    var tree: [Tree]
    var templates: [Template]

    static let all = PublishedVectors.load("monero.json", as: MoneroVectors.self)
}

@Suite struct BlockTemplateTests {
    @Test(arguments: MoneroVectors.all.keccak) func hashesAreKeccaks(pair: [String]) {
        #expect(Keccak256.hash(Hex.decode(pair[0])!).description == pair[1])
    }

    @Test(arguments: MoneroVectors.all.tree.indices) func rootsAreMoneros(index: Int) {
        let tree = MoneroVectors.all.tree[index]
        #expect(TreeHash.root(tree.leaves.map { Bytes32($0)! }).description == tree.root)
    }

    @Test(arguments: MoneroVectors.all.templates.indices) func whatMonerodGivesIsUnderstood(index: Int) throws {
        let answer = MoneroVectors.all.templates[index].answer
        let template = try BlockTemplate(answer)
        #expect(template.hashingBlob(extraNonce: nil) == answer.hashingBlob)
        let blobs = Set((UInt8(0)..<20).map { template.hashingBlob(extraNonce: [$0]) })
        #expect(blobs.count == 20)
        #expect(template.hashingBlob(extraNonce: [0]) == answer.hashingBlob)  // reserved bytes come as zeros
        let block = template.block(extraNonce: [1, 2, 3], nonce: 0x0403_0201)
        #expect(Array(block[39..<43]) == [1, 2, 3, 4] && block.count == answer.block.count)
        let offset = Int(answer.reservedOffset)
        #expect(Array(block[offset..<offset + 16]) == [1, 2, 3] + [UInt8](repeating: 0, count: 13))
        let job = try #require(template.job("7", extraNonce: [9], target: template.target))
        #expect(job.height == answer.height && job.nonce == 0 && job.blob == template.hashingBlob(extraNonce: [9]))
    }

    /// Cut anywhere, or with any byte changed: refused, or a block whose hashing blob is as monerod's.
    @Test func whatIsDamagedIsRefusedOrStillABlock() throws {
        let good = MoneroVectors.all.templates[1].answer
        for length in 0..<good.block.count {
            var answer = good
            answer.block = Array(good.block[..<length])
            #expect(throws: MoneroError.self, "\(length)") { try BlockTemplate(answer) }
        }
        for place in good.block.indices {
            for bit in 0..<8 {
                var answer = good
                answer.block[place] ^= 1 << UInt8(bit)
                #expect(throws: MoneroError.self, "byte \(place)") { try BlockTemplate(answer) }
            }
        }
    }

    @Test(arguments: [0, 42, 60, 127, 1 << 20, .max - 3, .max] as [UInt64]) func reservedBytesElsewhereAreRefused(offset: UInt64)
    {
        var answer = MoneroVectors.all.templates[0].answer
        answer.reservedOffset = offset
        #expect(throws: MoneroError.self) { try BlockTemplate(answer) }
    }

    @Test func aHashFindsTheBlockExactlyWhenTheWorkIsDone() throws {
        func template(_ difficulty: UInt128) throws -> BlockTemplate {
            var answer = MoneroVectors.all.templates[0].answer
            answer.difficulty = difficulty
            return try BlockTemplate(answer)
        }
        let ones = Bytes32([UInt8](repeating: 0xff, count: 32))!
        #expect(try template(1).isFound(ones))
        #expect(try !template(2).isFound(ones))
        // Little-endian: 2^255 - 1 is found at difficulty 2, 2^255 is not.
        let half = Bytes32([UInt8](repeating: 0xff, count: 31) + [0x7f])!
        #expect(try template(2).isFound(half))
        #expect(try !template(2).isFound(Bytes32([UInt8](repeating: 0, count: 31) + [0x80])!))
        // 2^128 - 1 times 2^128 is below 2^256; 2^128 times it is not.
        let low = Bytes32([UInt8](repeating: 0xff, count: 16) + [UInt8](repeating: 0, count: 16))!
        #expect(try template(.max).isFound(low))
        let above = Bytes32([UInt8](repeating: 0, count: 16) + [2] + [UInt8](repeating: 0, count: 15))!
        #expect(try !template(.max).isFound(above) && template(1 << 126).isFound(above))
        #expect(throws: MoneroError.self) { try template(0) }
    }
}
