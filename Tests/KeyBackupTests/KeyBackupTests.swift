import Primitives
import PublishedVectors
import SimulatedHAL
import Testing

@testable import KeyBackup

@Suite struct Backups {
    struct File: Decodable { var seed: String, passphrase: String, main: String, test: String }
    static let file: File = PublishedVectors.load("key-backup.json")
    static let key = PrivateKey(seed: Hex.decode(file.seed)!)!
    static let passphrase = Array(file.passphrase.utf8)
    static let cheap = PassphraseCost(log2N: 4, r: 1, p: 1)

    private static func backup(_ seed: UInt64 = 1, cost: PassphraseCost = cheap) throws -> KeyBackup {
        var random = SplitMix64(seed: seed)
        return try KeyBackup(of: key, on: .main, passphrase: passphrase, cost: cost, using: &random)
    }

    @Test(arguments: [(file.main, Address.Network.main), (file.test, .test)])
    func restoreWhatOtherSoftwareWrote(_ text: String, _ network: Address.Network) throws {
        let backup = try KeyBackup(text: text)
        #expect(backup.text == text)
        #expect(backup.address == Address(Self.key.publicKey, on: network))
        #expect(try backup.key(passphrase: Self.passphrase).seed == Self.key.seed)
    }

    @Test func restoreTheKeyAndShowWhoseItIs() throws {
        let backup = try Self.backup(cost: .standard)
        #expect(backup.text.contains("\nAddress: \(Address(Self.key.publicKey, on: .main))\n"))
        #expect(!backup.text.contains(Hex.encode(Self.key.seed)))
        let read = try KeyBackup(text: backup.text)
        #expect(read == backup)
        #expect(try read.key(passphrase: Self.passphrase).seed == Self.key.seed)
    }

    @Test func ofOneKeyAreNeverAlike() throws {
        #expect(try Self.backup(1).text != Self.backup(2).text)
    }

    @Test func tellAWrongPassphraseFromDamage() throws {
        let backup = try KeyBackup(text: Self.backup().text)
        #expect(throws: KeyBackupError.wrongPassphrase) { try backup.key(passphrase: Self.passphrase + [32]) }
        #expect(throws: KeyBackupError.emptyPassphrase) { try backup.key(passphrase: []) }
        #expect(throws: KeyBackupError.self) {
            var random = SplitMix64(seed: 1)
            return try KeyBackup(of: Self.key, on: .main, passphrase: [], cost: Self.cheap, using: &random)
        }
    }

    /// Each bit of the file, without the passphrase. ASCII files have no eighth bit.
    @Test func areRefusedWithAnyBitChanged() throws {
        let text = Array(try Self.backup().text.utf8)
        for index in text.indices {
            for bit in 0..<7 {
                var changed = text
                changed[index] ^= 1 << bit
                #expect(throws: KeyBackupError.self, "bit \(bit) of byte \(index)") {
                    try KeyBackup(text: String(decoding: changed, as: UTF8.self))
                }
            }
        }
    }

    @Test func areRefusedWhenTheyAreNotWhole() throws {
        let text = try Self.backup().text
        for count in 0..<text.count - 1 {
            #expect(throws: KeyBackupError.self) { try KeyBackup(text: String(text.prefix(count))) }
        }
        #expect(throws: KeyBackupError.notABackup) { try KeyBackup(text: String(repeating: text, count: 20)) }
        #expect(throws: KeyBackupError.self) { try KeyBackup(text: text + text) }
        #expect(try KeyBackup(text: text.replacing("\n", with: "\r\n")) == Self.backup())
        #expect(try KeyBackup(text: String(text.dropLast())) == Self.backup())
    }

    /// A file that asks for the board's memory, or for all day, is refused though its check is right.
    @Test(arguments: [
        PassphraseCost(log2N: 17, r: 8, p: 1), PassphraseCost(log2N: 255, r: 8, p: 1), PassphraseCost(log2N: 0, r: 8, p: 1),
        PassphraseCost(log2N: 15, r: 0, p: 1), PassphraseCost(log2N: 15, r: 255, p: 1), PassphraseCost(log2N: 15, r: 8, p: 0),
        PassphraseCost(log2N: 15, r: 8, p: 255),
    ])
    func doNotTakeTheBoard(_ cost: PassphraseCost) throws {
        #expect(throws: KeyBackupError.costRefused) { try Self.backup(cost: cost) }
        var hostile = try #require(Hex.decode(Self.backup().text.split(separator: "\n")[2...].dropLast().joined()))
        hostile.replaceSubrange(1...3, with: [cost.log2N, cost.r, cost.p])
        hostile.replaceSubrange(
            (hostile.count - 32)..., with: TaggedHash.digest(tag: "qlink/key-backup", hostile.dropLast(32)).bytes)
        #expect(throws: KeyBackupError.costRefused) { try EncryptedKey(bytes: hostile) }
    }

    @Test func sayWhenTheyAreNewerThanThis() {
        #expect(throws: KeyBackupError.unknownVersion(2)) { try EncryptedKey(bytes: [2, 0, 0]) }
    }
}

@Suite struct Passphrases {
    struct File: Decodable {
        struct Vector: Decodable, Sendable { var passphrase: String, salt: String, log2N: UInt8, r: UInt8, p: UInt8, key: String }
        var vectors: [Vector]
    }
    static let vectors = PublishedVectors.load("scrypt-rfc7914.json", as: File.self).vectors

    @Test(arguments: vectors) func costWhatRFC7914Says(_ vector: File.Vector) throws {
        let cost = PassphraseCost(log2N: vector.log2N, r: vector.r, p: vector.p)
        func derived() throws -> String {
            Hex.encode(try Scrypt.derive(Array(vector.passphrase.utf8), salt: Array(vector.salt.utf8), cost: cost, count: 64))
        }
        if vector.log2N < 20 {
            #expect(try derived() == vector.key)
        } else {
            #expect(throws: KeyBackupError.costRefused) { try derived() }
        }
    }
}
