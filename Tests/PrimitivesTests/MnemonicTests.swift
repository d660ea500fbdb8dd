import Crypto
import Primitives
import PublishedVectors
import SimulatedHAL
import Testing

@Suite struct Mnemonics {
    struct File: Decodable {
        struct Vector: Decodable, Sendable { var entropy: String, words: String, seed: String }
        var wordListSHA256: String, passphrase: String, vectors: [Vector]
    }
    static let file: File = PublishedVectors.load("bip39.json")

    @Test(arguments: file.vectors) func areOfBIP39(_ vector: File.Vector) throws {
        let entropy = try #require(Hex.decode(vector.entropy))
        let mnemonic = try #require(Mnemonic(entropy: entropy))
        #expect(mnemonic.words.joined(separator: " ") == vector.words)
        #expect(try Mnemonic(vector.words).entropy == entropy)
        #expect(Hex.encode(mnemonic.seed(passphrase: Self.file.passphrase)) == vector.seed)
    }

    /// Every word, in the published order: word i stands where eleven bits say i.
    @Test func haveThePublishedWords() throws {
        #expect(Self.file.vectors.count == 24)
        var words: [String] = []
        for start in stride(from: 0, to: 2_048, by: 16) {
            let bits =
                (start..<start + 16).flatMap { word in (0..<11).map { word >> (10 - $0) & 1 } } + [Int](repeating: 0, count: 80)
            let entropy = stride(from: 0, to: 256, by: 8).map { UInt8(bits[$0..<$0 + 8].reduce(0) { $0 << 1 | $1 }) }
            words += try #require(Mnemonic(entropy: entropy)).words.prefix(16)
        }
        let digest = SHA256.hash(data: Array(words.map { $0 + "\n" }.joined().utf8))
        #expect(Hex.encode(digest) == Self.file.wordListSHA256)
    }

    /// The words alone give back exactly the key.
    @Test func restoreAKeyFile() throws {
        var random = SplitMix64(seed: 39)
        for _ in 0..<100 {
            let key = try #require(PrivateKey(seed: random.bytes(32)))
            let words = try #require(Mnemonic(entropy: key.seed)).words
            #expect(words.count == 24)
            let typed = words.map { random.next() % 2 == 0 ? String($0.prefix(4)).uppercased() : $0.uppercased() }
            #expect(
                try PrivateKey(seed: Mnemonic(" " + typed.joined(separator: " \n\t") + " ").entropy)?.publicKey == key.publicKey)
        }
    }

    static let words = Mnemonic(entropy: [UInt8](repeating: 7, count: 32))!.words

    @Test func nameTheWordThatIsNotInTheList() {
        var words = Self.words
        words[16] = "stible"
        #expect(throws: MnemonicError.unknownWord("stible", position: 17, nearest: "stable")) {
            try Mnemonic(words.joined(separator: " "))
        }
        words[16] = "abo"  // three letters stand for no word but their own
        #expect(throws: MnemonicError.self) { try Mnemonic(words.joined(separator: " ")) }
        words[16] = "zoos"
        #expect(throws: MnemonicError.unknownWord("zoos", position: 17, nearest: "zoo")) {
            try Mnemonic(words.joined(separator: " "))
        }
    }

    @Test func areRefusedWhenTheyDoNotBelongTogether() {
        var exchanged = Self.words
        exchanged.swapAt(2, 11)
        #expect(exchanged != Self.words)
        #expect(throws: MnemonicError.checksum) { try Mnemonic(exchanged.joined(separator: " ")) }
        for count in [0, 1, 11, 13, 23, 25, 27] {
            let words = (Self.words + Self.words).prefix(count).joined(separator: " ")
            #expect(throws: MnemonicError.wrongCount(count)) { try Mnemonic(words) }
        }
        for count in [0, 4, 12, 17, 31, 33, 36] { #expect(Mnemonic(entropy: [UInt8](repeating: 1, count: count)) == nil) }
    }
}
