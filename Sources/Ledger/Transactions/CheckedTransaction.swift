import Consensus
public import Primitives

/// A transaction whose every signature was checked: its own, and those of what it carries. There is no other way to make one.
///
/// This is where nearly all of a block's time goes, and it needs no state: many are checked side by side, then applied one by one.
public struct CheckedTransaction: Hashable, Sendable {
    /// As it stands in a block.
    public let bytes: [UInt8]
    public let transaction: Transaction
    /// Names what was signed.
    public let id: Bytes32

    /// Reads and checks. Costs about 0.1 ms for each signature.
    public init(_ bytes: [UInt8], on chainID: Bytes32) throws(Inadmissible) {
        guard bytes.count <= Block.transactionSizeLimit else { throw .malformed("it has \(bytes.count) bytes") }
        let signed: Signed<Transaction>
        do { signed = try Signed(canonicalBytes: bytes) } catch { throw .malformed("\(error)") }
        guard signed.claim.chainID == chainID else { throw .otherChain }
        id = Self.id(of: bytes)
        guard signed.claim.sender.isValid(signed.signature, for: id.bytes), signed.claim.payload.isSigned(on: chainID) else {
            throw .signatureFalse
        }
        (self.bytes, transaction) = (bytes, signed.claim)
    }

    /// The name of the transaction that these bytes are, if they are one: what was signed, without the signature behind it.
    public static func id(of bytes: [UInt8]) -> Bytes32 {
        Transaction.preparedTag.digest(bytes.dropLast(Signature.size))
    }

    /// One's own, freshly signed.
    public init(signing transaction: Transaction, by key: PrivateKey) {
        let signed = Signed(transaction, by: key)
        (bytes, self.transaction, id) = (signed.canonicalBytes, transaction, transaction.digest)
    }

    /// Checks many at once on up to `cores` cores; the first that fails is named.
    public static func check(
        _ all: [[UInt8]], on chainID: Bytes32, cores: Int
    ) async -> Result<[CheckedTransaction], LedgerError> {
        let size = max(1, (all.count + cores - 1) / max(1, cores))
        return await withTaskGroup(of: (Int, Result<[CheckedTransaction], LedgerError>).self) { group in
            for start in stride(from: 0, to: all.count, by: size) {
                group.addTask { (start, check(all[start..<min(start + size, all.count)], on: chainID)) }
            }
            var parts: [(Int, Result<[CheckedTransaction], LedgerError>)] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.reduce(.success([])) { whole, part in
                whole.flatMap { done in part.1.map { done + $0 } }
            }
        }
    }

    /// The same on the caller's core.
    public static func check(_ all: ArraySlice<[UInt8]>, on chainID: Bytes32) -> Result<[CheckedTransaction], LedgerError> {
        var checked: [CheckedTransaction] = []
        checked.reserveCapacity(all.count)
        for (index, bytes) in zip(all.indices, all) {
            do throws(Inadmissible) { checked.append(try CheckedTransaction(bytes, on: chainID)) } catch {
                return .failure(.transaction(index: index, error))
            }
        }
        return .success(checked)
    }
}

extension Payload {
    /// Whether all that it carries is signed by who it says.
    func isSigned(on chainID: Bytes32) -> Bool {
        switch self {
        case .settleChannels(let settlement): settlement.vouchers.allSatisfy { $0.isSigned(on: chainID) }
        case .closeChannel(let close): close.voucher?.isSigned(on: chainID) ?? true
        case .raiseVoucher(let raise): raise.voucher.isSigned(on: chainID)
        case .reportEvidence(let proof): (try? proof.verify(chainID: chainID)) != nil
        default: true
        }
    }
}
