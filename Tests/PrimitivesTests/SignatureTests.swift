import Primitives
import PublishedVectors
import SimulatedHAL
import Testing

@Suite struct Signatures {
    struct Vector: Decodable, Sendable { var seed: String, publicKey: String, message: String, signature: String }
    struct Published: Decodable { var vectors: [Vector] }

    @Test(arguments: PublishedVectors.load("ed25519-rfc8032.json", as: Published.self).vectors)
    func areEd25519(_ vector: Vector) throws {
        let key = try #require(PrivateKey(seed: Hex.decode(vector.seed)!))
        let message = Hex.decode(vector.message)!
        let signature = try #require(Signature(vector.signature))
        #expect(key.publicKey.description == vector.publicKey)
        #expect(key.publicKey.isValid(signature, for: message))
        #expect(key.publicKey.isValid(key.sign(message), for: message))
        #expect(!key.publicKey.isValid(signature, for: message + [0]))
        for bit in 0..<512 {
            var bytes = signature.bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.publicKey.isValid(Signature(bytes)!, for: message))
        }
    }

    /// The twelve cases that libraries disagree about. Without ``EncodedPoint`` the library accepts more of them, and another library
    /// others: a chain would split.
    @Test func haveOneVerdict() {
        struct Contested: Decodable { var message: String, publicKey: String, signature: String }
        struct File: Decodable { var accepted: [Int], vectors: [Contested] }
        let file: File = PublishedVectors.load("ed25519-speccheck.json")
        let accepted = file.vectors.indices.filter { index in
            let vector = file.vectors[index]
            return PublicKey(vector.publicKey)!.isValid(Signature(vector.signature)!, for: Hex.decode(vector.message)!)
        }
        #expect(accepted == file.accepted && file.vectors.count == 12)
    }

    /// The eight points of small order verify a signature that nobody made: R = A, S = 0 for one message in a few.
    @Test(arguments: [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
    func areNeverOfAPointOfSmallOrder(_ point: String) {
        let key = PublicKey(point)!
        let signature = Signature(Hex.decode(point)! + [UInt8](repeating: 0, count: 32))!
        for message in (0..<32).map(UInt8.init) { #expect(!key.isValid(signature, for: [message])) }
    }

    private struct Note: Signable, Codable {
        static let signingTag = "test/note"
        var text = ""
        mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.text(&text, limit: 8) }
    }

    private struct OtherNote: Signable, Codable {
        static let signingTag = "test/other-note"
        var text = ""
        mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.text(&text, limit: 8) }
    }

    @Test func standForOneTypeAndOneValue() {
        let key = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!
        let signed = Signed(Note(text: "yes"), by: key)
        #expect(signed.verified(by: key.publicKey)?.signer == key.publicKey)
        #expect(signed.verified(by: PrivateKey(seed: [UInt8](repeating: 8, count: 32))!.publicKey) == nil)
        #expect(Signed(claim: Note(text: "no"), signature: signed.signature).verified(by: key.publicKey) == nil)
        #expect(Signed(claim: OtherNote(text: "yes"), signature: signed.signature).verified(by: key.publicKey) == nil)
    }

    /// What comes as JSON can be outside the limits that its canonical form has: refused, never trapped.
    @Test func areNoneOverAValueOutsideItsLimits() {
        let key = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!
        let signature = Signed(Note(text: "yes"), by: key).signature
        #expect(Signed(claim: Note(text: "far too long"), signature: signature).verified(by: key.publicKey) == nil)
    }

    @Test func keysAreThirtyTwoBytes() {
        #expect(PrivateKey(seed: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(PrivateKey(seed: [UInt8](repeating: 1, count: 33)) == nil)
        #expect(Signature([UInt8](repeating: 1, count: 63)) == nil)
        #expect(Signature(String(repeating: "0", count: 126)) == nil)
    }
}

@Suite struct Hashes {
    struct Tagged: Decodable, Sendable { var tag: String, message: String, digest: String }
    struct Published: Decodable { var vectors: [Tagged] }

    @Test(arguments: PublishedVectors.load("tagged-hash-bip340.json", as: Published.self).vectors)
    func areTagged(_ vector: Tagged) throws {
        let message = try #require(Hex.decode(vector.message))
        #expect(TaggedHash.digest(tag: vector.tag, message).description == vector.digest)
        #expect(TaggedHash.Tag(vector.tag).digest(message).description == vector.digest)
    }

    /// A tag that is ready is used again and again: it stays as it was.
    @Test func areTheSameFromATagThatIsReady() {
        var random = SplitMix64(seed: 340)
        let tag = TaggedHash.Tag("test/node")
        for _ in 0..<50 {
            let values = (0..<3).map { _ in Bytes32(random.bytes(32))! }
            let bytes = values.flatMap(\.bytes)
            #expect(tag.digest(of: values[0]) == TaggedHash.digest(tag: "test/node", bytes[..<32]))
            #expect(tag.digest(of: values[0], values[1]) == TaggedHash.digest(tag: "test/node", bytes[..<64]))
            #expect(tag.digest(values.flatMap(\.bytes)) == TaggedHash.digest(tag: "test/node", bytes))
            #expect(tag.digest(bytes[32..<64]) == tag.digest(of: values[1]))
            let begun = TaggedHash.Tag("test/node", and: Array(bytes[..<7]))
            #expect(begun.digest(bytes[7...]) == TaggedHash.digest(tag: "test/node", bytes))
        }
    }

    /// RFC 4231, test cases 1 and 2.
    @Test(arguments: [
        ([UInt8](repeating: 0x0b, count: 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (Array("Jefe".utf8), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ])
    func areKeyed(_ key: [UInt8], _ message: String, _ digest: String) {
        #expect(TaggedHash.keyed(key, Array(message.utf8)).description == digest)
    }
}
