import Crypto
import Primitives
import PublishedVectors
import SimulatedHAL
import Testing

@Suite struct SealedBytes {
    struct File: Decodable {
        var info: String, privateKey: String, publicKey: String, encapsulatedKey: String, bound: String, plaintext: String
        var ciphertext: String
    }

    static let buyer = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 7, count: 32))!)
    static let other = OpeningKey(of: PrivateKey(seed: [UInt8](repeating: 8, count: 32))!)
    static let info = Array("qlink/visit-record".utf8)

    @Test func areOfRFC9180() throws {
        let file: File = PublishedVectors.load("hpke-rfc9180.json")
        let key = try #require(OpeningKey(raw: Bytes32(file.privateKey)!))
        #expect(key.sealingKey.raw.description == file.publicKey)
        let opened = try Sealed.open(
            Hex.decode(file.ciphertext)!, encapsulatedKey: Bytes32(file.encapsulatedKey)!, by: key, info: Hex.decode(file.info)!,
            bound: Hex.decode(file.bound)!)
        #expect(Hex.encode(opened) == file.plaintext)
    }

    @Test(arguments: [0, 1, 238, 239, 240, 495, 496, Sealed.limit]) func comeBackToTheirRecipientAlone(_ count: Int) throws {
        var random = SplitMix64(seed: UInt64(count))
        let bytes = random.bytes(count)
        let sealed = try Sealed(bytes, to: Self.buyer.sealingKey, info: Self.info, bound: [1])
        #expect(try sealed.opened(by: Self.buyer, info: Self.info, bound: [1]) == bytes)
        #expect(throws: SealedError.notForThisKey) { try sealed.opened(by: Self.other, info: Self.info, bound: [1]) }
        #expect(throws: SealedError.notForThisKey) { try sealed.opened(by: Self.buyer, info: [], bound: [1]) }
        #expect(throws: SealedError.notForThisKey) { try sealed.opened(by: Self.buyer, info: Self.info, bound: [2]) }
        #expect(try Sealed(canonicalBytes: sealed.canonicalBytes) == sealed)
    }

    /// All records of up to 239 bytes look alike: 32 bytes of key, 4 of length, 256 of ciphertext.
    @Test func tellLittleByTheirLength() throws {
        for (count, length) in [(0, 292), (1, 292), (239, 292), (240, 548), (495, 548), (496, 804)] {
            let sealed = try Sealed([UInt8](repeating: 0, count: count), to: Self.buyer.sealingKey, info: Self.info)
            #expect(sealed.canonicalBytes.count == length)
        }
        let twice = try (0..<2).map { _ in try Sealed([1], to: Self.buyer.sealingKey, info: Self.info) }
        #expect(twice[0] != twice[1])
    }

    @Test func areRefusedWithAnyBitChanged() throws {
        let bytes = try Sealed(Array("6,300 bytes, 0.1 QLC".utf8), to: Self.buyer.sealingKey, info: Self.info).canonicalBytes
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << (index % 8)
            // the length can make it unreadable; the top bit of the sender's key alone means nothing (RFC 7748, section 5)
            guard let sealed = try? Sealed(canonicalBytes: changed), index != 31 else { continue }
            #expect(throws: SealedError.notForThisKey) { try sealed.opened(by: Self.buyer, info: Self.info) }
        }
    }

    /// With each of these any private key has the secret zero, so anyone could open what is sealed: the library alone would seal.
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
    func areNotMadeForAKeyThatGivesEveryoneTheSecret(_ point: String) throws {
        let raw = try #require(Bytes32(point))
        let secret = try Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(
            with: .init(rawRepresentation: raw.bytes))
        #expect(secret.withUnsafeBytes { $0.allSatisfy { $0 == 0 } })
        #expect(throws: SealedError.badKey) { try Sealed([1], to: SealingKey(raw: raw), info: []) }
        var forged = try Sealed([1], to: Self.buyer.sealingKey, info: []).canonicalBytes
        forged.replaceSubrange(..<32, with: raw.bytes)
        #expect(throws: SealedError.notForThisKey) { try Sealed(canonicalBytes: forged).opened(by: Self.buyer, info: []) }
    }

    @Test func haveALimit() {
        #expect(throws: SealedError.tooLong(Sealed.limit + 1)) {
            try Sealed([UInt8](repeating: 0, count: Sealed.limit + 1), to: Self.buyer.sealingKey, info: [])
        }
    }
}
