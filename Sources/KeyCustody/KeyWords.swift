public import Primitives

/// A key as 24 words on paper.
public enum KeyWords {
    /// Lines of four columns, numbered: they are copied by hand.
    /// - Parameter what: whose key it is.
    public static func lines(of key: PrivateKey, _ what: String) throws -> [String] {
        guard let words = Mnemonic(entropy: key.seed)?.words else { throw CustodyError("this key has no words") }
        let rows = (0..<6).map { row in
            stride(from: row, to: words.count, by: 6).map { right("\($0 + 1)", 4) + " " + left(words[$0], 12) }.joined()
        }
        return ["These words are \(what). Write them on paper, and show them to nobody:", ""] + rows
    }

    public static func key(_ text: String) throws -> PrivateKey {
        let mnemonic: Mnemonic
        do { mnemonic = try Mnemonic(text) } catch { throw CustodyError("\(error)") }
        guard let key = PrivateKey(seed: mnemonic.entropy) else {
            throw CustodyError("these \(mnemonic.words.count) words are of another kind of wallet; a wallet of this one has 24")
        }
        return key
    }

    private static func right(_ text: String, _ columns: Int) -> String {
        String(repeating: " ", count: max(0, columns - text.count)) + text
    }

    private static func left(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - text.count))
    }
}
