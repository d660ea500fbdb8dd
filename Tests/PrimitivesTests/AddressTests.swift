import Primitives
import PublishedVectors
import SimulatedHAL
import Testing

@Suite struct Bech32mText {
    struct File: Decodable {
        struct Invalid: Decodable { var text: String, reason: String }
        struct Witness: Decodable { var text: String, script: String }
        var valid: [String], invalid: [Invalid], bech32: [String], addresses: [Witness], invalidAddresses: [Invalid]
    }
    static let file: File = PublishedVectors.load("bech32m-bip350.json")

    @Test(arguments: file.valid) func isOfBIP350(_ text: String) throws {
        let (prefix, values) = try Bech32m.decode(text)
        #expect(Bech32m.encode(prefix: prefix, values: values) == text.lowercased())
    }

    @Test func isNothingElse() {
        #expect(Self.file.invalid.count == 14 && Self.file.bech32.count == 6)
        for vector in Self.file.invalid {
            #expect(throws: AddressError.self, "\(vector.reason)") { try Bech32m.decode(vector.text) }
        }
        for text in Self.file.bech32 { #expect(throws: AddressError.isBech32) { try Bech32m.decode(text) } }
    }

    /// A witness address is its version and its program.
    @Test func carriesBytes() throws {
        for vector in Self.file.addresses {
            let script = try #require(Hex.decode(vector.script))
            let (prefix, values) = try Bech32m.decode(vector.text)
            #expect(values[0] == script[0] - 0x50)
            #expect(try Bech32m.bytes(of: values.dropFirst()) == Array(script[2...]))
            #expect(
                Bech32m.encode(prefix: prefix, values: [values[0]] + Bech32m.values(of: Array(script[2...])))
                    == vector.text.lowercased())
        }
        for vector in Self.file.invalidAddresses {
            #expect(throws: AddressError.self, "\(vector.reason)") {
                try Bech32m.bytes(of: Bech32m.decode(vector.text).values.dropFirst())
            }
        }
    }
}

@Suite struct AddressText {
    struct File: Decodable { var seed: String, addresses: [String: String] }
    static let file: File = PublishedVectors.load("key-backup.json")
    static let key = PrivateKey(seed: Hex.decode(file.seed)!)!.publicKey
    static let text = Address(key, on: .main).description

    @Test func isTheSameElsewhere() {
        #expect(Self.text == Self.file.addresses["main"])
        #expect(Address(Self.key, on: .test).description == Self.file.addresses["test"])
    }

    @Test(arguments: Address.Network.allCases) func printsWhatItReads(_ network: Address.Network) throws {
        var random = SplitMix64(seed: 31)
        for _ in 0..<200 {
            let address = Address(PublicKey(raw: Bytes32(random.bytes(32))!), on: network)
            #expect(address.description.hasPrefix(network.prefix + "1"))
            #expect(try Address(address.description, on: network) == address)
            #expect(try Address(address.description.uppercased(), on: network) == address)
        }
    }

    /// A single slip is placed, at every position and for every other character; it is never mended.
    @Test func namesTheCharacterThatIsMistyped() {
        let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
        for position in 4..<Self.text.utf8.count {
            for other in [0, 7, 19, 31] {
                var characters = Array(Self.text.utf8)
                guard characters[position] != alphabet[other] else { continue }
                characters[position] = alphabet[other]
                let text = String(decoding: characters, as: UTF8.self)
                #expect(throws: AddressError.mistyped(position: position + 1)) { try Address(text, on: .main) }
            }
        }
    }

    @Test func saysWhatIsWrong() {
        let text = Self.text
        func refusal(_ text: String, on network: Address.Network = .main) -> AddressError? {
            do { _ = try Address(text, on: network) } catch { return error }
            return nil
        }
        func with(_ character: String, at position: Int) -> String {
            String(text.prefix(position)) + character + text.dropFirst(position + 1)
        }
        #expect(refusal(text) == nil)
        #expect(refusal(text, on: .test) == .wrongPrefix("qlc", expected: "tqlc"))
        #expect(refusal("t" + text) != nil)
        #expect(refusal(with("b", at: 9)) == .badCharacter("b", position: 10))
        #expect(refusal(with("1", at: 9)) == .badCharacter("1", position: 10))
        #expect(refusal(with("é", at: 9)) == .badCharacter("é", position: 10))
        #expect(refusal("qlc1" + text.dropFirst(4).uppercased()) == .mixedCase)
        #expect(refusal(String(text.dropLast())) != nil)
        #expect(refusal(String(text.prefix(8))) == .tooShort)
        #expect(refusal("") == .noPrefix)
        #expect(refusal(text + text) == .tooLong(124))
        #expect(refusal("x" + text.dropFirst()) != nil)
        #expect(
            refusal(with(text.hasSuffix("q") ? "p" : "q", at: 61).replacing("qlc1", with: "qlc1p", maxReplacements: 1))
                == .mistyped(position: nil))
        let short = Bech32m.encode(prefix: "qlc", values: Bech32m.values(of: [UInt8](repeating: 1, count: 31)))
        #expect(refusal(short) == .wrongLength(31))
        let unclean = Bech32m.encode(prefix: "qlc", values: [UInt8](repeating: 0, count: 51) + [1])
        #expect(refusal(unclean) == .padding)
    }
}
