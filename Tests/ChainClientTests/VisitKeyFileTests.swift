import Foundation
import Primitives
import Testing

@testable import qlink

/// What is announced to stations without asking for a passphrase.
@Suite struct VisitKeyFileTests {
    private static let key = PrivateKey(seed: [UInt8](repeating: 4, count: 32))!
    private static let other = PrivateKey(seed: [UInt8](repeating: 5, count: 32))!

    private static func file(of wallet: Wallet, passphrase: String? = nil) -> WalletFile {
        var file = WalletFile()
        (file.wallet, file.passphraseFile) = (wallet.path, passphrase)
        return file
    }

    @Test func aBareWalletNeedsNoFile() throws {
        let wallet = try Wallet()
        try wallet.hold(Self.key.seed)
        #expect(Self.file(of: wallet).visitKey() == OpeningKey(of: Self.key).sealingKey)
    }

    @Test func ofAnEncryptedOneItIsKeptBesideIt() async throws {
        let wallet = try Wallet()
        #expect(try await wallet.qlink("wallet", "create", "--passphrase-file", wallet.passphrase).status == 0)
        let file = Self.file(of: wallet, passphrase: wallet.passphrase)
        let key = try file.load()
        #expect(Self.file(of: wallet).visitKey() == OpeningKey(of: key).sealingKey)
        // Another wallet's, as when files were moved about: visits would be sealed for somebody else.
        VisitKey(beside: file).keep(of: Self.other)
        #expect(file.visitKey() == nil)
        VisitKey(beside: file).keep(of: key)
        #expect(file.visitKey() != nil)
        try FileManager.default.removeItem(atPath: wallet.path + ".visits")
        #expect(file.visitKey() == nil)
    }

    @Test func withoutAWalletThereIsNone() throws {
        #expect(Self.file(of: try Wallet()).visitKey() == nil)
    }
}
