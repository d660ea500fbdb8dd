/// A public key as people write it (chain.md, "Ground"): Bech32m (BIP-350), so that a slip of the pen is found before money is sent.
public struct Address: Hashable, Sendable {
    public enum Network: UInt8, Hashable, Sendable, CaseIterable {
        case main = 0
        case test = 1

        public var prefix: String { self == .main ? "qlc" : "tqlc" }

        /// A chain that is called `mainnet` has addresses of the main network, every other one those of a test net.
        public init(ofChain name: String) { self = name == "mainnet" ? .main : .test }
    }

    public var key: PublicKey
    public var network: Network

    public init(_ key: PublicKey, on network: Network) { (self.key, self.network) = (key, network) }

    /// Reads an address of `network`, all in lower case or all in capitals.
    /// - Throws: `AddressError`: what is wrong, and where if one character is. It is never mended silently: money would go there.
    public init(_ text: String, on network: Network) throws(AddressError) {
        let separator = network.prefix.utf8.count
        if text.utf8.count <= Bech32m.lengthLimit, text.lowercased().hasPrefix(network.prefix + "1"),
            let second = Array(text.utf8).lastIndex(of: UInt8(ascii: "1")), second > separator
        {
            throw Bech32m.badCharacter(in: text, at: second)  // a 1 that would pass for the end of a longer prefix
        }
        let (prefix, values) = try Bech32m.decode(text)
        guard prefix == network.prefix else { throw .wrongPrefix(prefix, expected: network.prefix) }
        let bytes = try Bech32m.bytes(of: values)
        guard let raw = Bytes32(bytes) else { throw .wrongLength(bytes.count) }
        self.init(PublicKey(raw: raw), on: network)
    }
}

extension Address: CustomStringConvertible {
    public var description: String { Bech32m.encode(prefix: network.prefix, values: Bech32m.values(of: key.raw.bytes)) }
}

/// Why text is not an address. Positions count from 1.
public enum AddressError: Error, Equatable {
    case tooLong(Int)
    case tooShort
    case noPrefix
    case mixedCase
    case badCharacter(String, position: Int)
    /// The checksum is false; `position` is the character that alone could be wrong, nil if more than one is.
    case mistyped(position: Int?)
    case isBech32
    case padding
    case wrongPrefix(String, expected: String)
    case wrongLength(Int)
}

extension AddressError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLong(let count): "an address has at most \(Bech32m.lengthLimit) characters, not \(count): copy it again"
        case .tooShort: "the address is cut off: copy it again"
        case .noPrefix: "an address starts with \"qlc1\" (on a test net \"tqlc1\"): copy it again"
        case .mixedCase: "an address is all in lower case or all in capitals; this one mixes them: copy it again"
        case .badCharacter(let character, let position):
            "\"\(character)\", character \(position), is in no address (nor are 1, b, i and o behind the prefix): compare it there"
        case .mistyped(.some(let position)): "the address is mistyped, probably at character \(position): compare it there"
        case .mistyped(nil): "the address is mistyped at several characters: copy it again"
        case .isBech32: "the address has a checksum of Bech32, not Bech32m: it is of other software"
        case .padding: "the address ends in bits that are not zero: it was not made by this software"
        case .wrongPrefix(let prefix, let expected):
            "the address is of another network: it starts with \"\(prefix)1\", here they start with \"\(expected)1\""
        case .wrongLength(let count): "the address names \(count) bytes, not the 32 of a key"
        }
    }
}
