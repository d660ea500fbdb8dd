import Primitives
import Testing

@Suite struct Signatures {
    struct Vector: Sendable {
        var seed: String, publicKey: String, message: String, signature: String
    }

    /// RFC 8032, section 7.1, tests 1 to 3.
    static let published = [
        Vector(
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            message: "",
            signature:
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        Vector(
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            message: "72",
            signature:
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        Vector(
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            message: "af82",
            signature:
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test(arguments: published)
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

    /// The twelve cases libraries disagree about (github.com/novifinancial/ed25519-speccheck, "Taming the many EdDSAs", table 6c):
    /// 0 to 2 small order, 3 mixed order, 4 and 5 valid only with the cofactor, 6 and 7 S ≥ L, 8 to 11 points not canonical or of small order.
    static let contested: [(message: String, publicKey: String, signature: String)] = [
        (
            "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000"
        ),
        (
            "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
        (
            "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e"
        ),
        (
            "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"
        ),
        (
            "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"
        ),
        (
            "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
            "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
            "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405"
        ),
        (
            "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
            "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
            "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514"
        ),
        (
            "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
            "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
            "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22"
        ),
        (
            "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f"
        ),
        (
            "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908"
        ),
        (
            "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
        (
            "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
        ),
    ]

    /// Without ``EncodedPoint`` the library accepts more of them, and another library others: a chain would split.
    @Test func haveOneVerdict() {
        let accepted = Self.contested.indices.filter { index in
            let (message, publicKey, signature) = Self.contested[index]
            return PublicKey(publicKey)!.isValid(Signature(signature)!, for: Hex.decode(message)!)
        }
        #expect(accepted == [3])
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
    /// BIP-340: `SHA256(SHA256(tag) ‖ SHA256(tag) ‖ message)`; values by Python's hashlib, 2026-11-23.
    @Test(arguments: [
        ("BIP0340/challenge", "", "c216d352f5818b7b4beacd4ae0a26fe888080823d2a598856661bcd54f1b3713"),
        ("TapLeaf", "abc", "83a56308a9c56f467e8df293da5ae5fdbc85b871952a83c4bf0575ee948ec230"),
    ])
    func areTagged(_ tag: String, _ message: String, _ digest: String) {
        #expect(TaggedHash.digest(tag: tag, message.utf8).description == digest)
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
