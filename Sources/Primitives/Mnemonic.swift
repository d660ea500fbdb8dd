import Crypto

/// A secret as English words to write on paper (BIP-39).
///
/// A key file's 32 bytes are the entropy itself: its 24 words give back exactly that key, by themselves, on any board. A key that is
/// derived from the words' ``seed(passphrase:)`` could not do that for a key that exists already. It has no description: a secret
/// never reaches a log.
public struct Mnemonic: Sendable {
    public let entropy: [UInt8]

    /// nil unless `entropy` holds 16, 20, 24, 28 or 32 bytes.
    public init?(entropy: [UInt8]) {
        guard (16...32).contains(entropy.count), entropy.count.isMultiple(of: 4) else { return nil }
        self.entropy = entropy
    }

    /// Reads 12, 15, 18, 21 or 24 words as people type them: in any case, with any spaces, four letters of a word are enough.
    /// - Throws: `MnemonicError`.
    public init(_ text: String) throws(MnemonicError) {
        let typed = text.split(whereSeparator: { $0.isWhitespace })
        guard (12...24).contains(typed.count), typed.count.isMultiple(of: 3) else { throw .wrongCount(typed.count) }
        var bits: [Bool] = []
        for (place, word) in typed.enumerated() {
            let number = try Self.number(of: word.lowercased(), position: place + 1)
            bits += (0..<Self.bitsPerWord).map { number >> (Self.bitsPerWord - 1 - $0) & 1 == 1 }
        }
        let entropyBits = typed.count / 3 * 32
        entropy = stride(from: 0, to: entropyBits, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        guard Self.checkBits(of: entropy) == Array(bits[entropyBits...]) else { throw .checksum }
    }

    public var words: [String] {
        let bits = entropy.flatMap(Self.bits) + Self.checkBits(of: entropy)
        return stride(from: 0, to: bits.count, by: Self.bitsPerWord).map { start in
            EnglishWords.all[bits[start..<start + Self.bitsPerWord].reduce(0) { $0 << 1 | ($1 ? 1 : 0) }]
        }
    }

    /// The 64 bytes that other wallets derive their keys from: PBKDF2-HMAC-SHA-512 over the words, 2,048 rounds, some milliseconds.
    /// `passphrase` is taken as it stands; BIP-39 wants NFKD, so text beyond ASCII must be in that form.
    public func seed(passphrase: String = "") -> [UInt8] {
        let key = SymmetricKey(data: Array(words.joined(separator: " ").utf8))
        // one block of output: U1 ⊕ U2 ⊕ … (RFC 8018, section 5.2)
        var link = Array(HMAC<SHA512>.authenticationCode(for: Array("mnemonic\(passphrase)".utf8) + [0, 0, 0, 1], using: key))
        var seed = link
        for _ in 1..<2_048 {
            link = Array(HMAC<SHA512>.authenticationCode(for: link, using: key))
            for index in seed.indices { seed[index] ^= link[index] }
        }
        return seed
    }

    private static let bitsPerWord = 11

    private static func bits(_ byte: UInt8) -> [Bool] { (0..<8).map { byte >> (7 - $0) & 1 == 1 } }

    /// One bit for each 32 of the entropy: the first of its SHA-256.
    private static func checkBits(of entropy: [UInt8]) -> [Bool] {
        Array(bits(PreparedDigest().digest(entropy).bytes[0])[..<(entropy.count / 4)])
    }

    private static func number(of word: String, position: Int) throws(MnemonicError) -> Int {
        if let exact = EnglishWords.all.firstIndex(of: word) { return exact }
        if word.utf8.count >= 4, let only = EnglishWords.all.firstIndex(where: { $0.hasPrefix(word) }) { return only }
        let nearest = EnglishWords.all.min { distance(word, $0) < distance(word, $1) }
        throw .unknownWord(String(word.prefix(20)), position: position, nearest: nearest ?? "")
    }

    /// How many letters must be inserted, left out or changed (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (i, letter) in left.utf8.prefix(20).enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let changed = diagonal + (letter == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(changed, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}

/// Why words are not a mnemonic. Positions count from 1. It may quote a word of the secret: for the terminal it was typed on, not for a log.
public enum MnemonicError: Error, Equatable {
    case wrongCount(Int)
    case unknownWord(String, position: Int, nearest: String)
    case checksum
}

extension MnemonicError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongCount(let count):
            "a backup has 24 words (others 12, 15, 18 or 21), not \(count): look for one left out or twice"
        case .unknownWord(let word, let position, let nearest):
            "word \(position), \"\(word)\", is not in the list; perhaps \"\(nearest)\": compare it with your paper"
        case .checksum: "each word is in the list, but together they are no backup: one is another word, or two are exchanged"
        }
    }
}
