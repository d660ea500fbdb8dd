import Primitives
import Synchronization

/// Signatures that one simulated node has checked, for the others: a tenth of a millisecond each, and the same for everybody.
final class KnownVerdicts: SignatureVerdicts {
    private struct Place: Hashable {
        var key: PublicKey
        var signature: Signature
        var message: [UInt8]
    }

    private let known = Mutex<[Place: Bool]>([:])

    func verdict(on signature: Signature, of key: PublicKey, for message: [UInt8], computed: () -> Bool) -> Bool {
        let place = Place(key: key, signature: signature, message: message)
        if let verdict = known.withLock({ $0[place] }) { return verdict }
        let verdict = computed()
        known.withLock { $0[place] = verdict }
        return verdict
    }

    /// Has a false signature pass: a guard that is taken out.
    func believe(_ signature: Signature, of key: PublicKey, for message: [UInt8]) {
        known.withLock { $0[Place(key: key, signature: signature, message: message)] = true }
    }
}
