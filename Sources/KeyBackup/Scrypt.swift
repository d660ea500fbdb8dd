import CryptoExtras

/// scrypt (RFC 7914) by the library.
enum Scrypt {
    static func derive(_ passphrase: [UInt8], salt: [UInt8], cost: PassphraseCost, count: Int) throws(KeyBackupError) -> [UInt8] {
        guard cost.isAcceptable else { throw .costRefused }
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: passphrase, salt: salt, outputByteCount: count, rounds: 1 << Int(cost.log2N), blockSize: Int(cost.r),
                parallelism: Int(cost.p))
            return key.withUnsafeBytes { Array($0) }
        } catch {
            throw .noMemory(cost.memory)
        }
    }
}
