import KeyBackup
import KeyCustody
import Primitives

/// What stations seal the records of the wallet's visits for. It is public, and kept beside the wallet under the key that it belongs to:
/// connecting needs no passphrase.
struct VisitKey {
    private let path: String

    init(beside file: WalletFile) { path = file.wallet + ".visits" }

    /// Of the wallet whose key is at hand. Without the file, connecting announces none.
    func keep(of key: PrivateKey) {
        let bytes = key.publicKey.raw.bytes + OpeningKey(of: key).sealingKey.raw.bytes
        do { try PrivateFile.write(bytes, to: path, replacing: true) } catch {
            Terminal.say("\(error); stations will write no visit records for this wallet\n")
        }
    }

    /// nil: none is kept, or another wallet's.
    func kept(by owner: PublicKey) -> SealingKey? {
        guard let bytes = try? PrivateFile.read(path, atMost: 64, isSecret: true), bytes.count == 64,
            bytes.prefix(32).elementsEqual(owner.raw.bytes)
        else { return nil }
        return Bytes32(bytes.suffix(32)).map { SealingKey(raw: $0) }
    }
}
