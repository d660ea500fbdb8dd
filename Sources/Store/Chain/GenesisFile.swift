import Charging
import FoundationEssentials
public import Ledger

/// A genesis file: JSON, as board/genesis/README.md explains.
public enum GenesisFile {
    private static let sizeLimit = 1 << 20

    /// - Throws: `StorageError` that says what to do: it is not there, too large, not JSON of that form, or not 600,000,000 QLC in all.
    public static func load(_ path: String) throws -> Genesis {
        guard let bytes = try FileSystem.contents(path, limit: sizeLimit) else {
            throw StorageError(.other, "the genesis file \(path) is not there; name another below [chain]")
        }
        do {
            let genesis = try JSONDecoder().decode(Genesis.self, from: Data(bytes))
            _ = try genesis.state()
            return genesis
        } catch {
            throw StorageError(
                .corrupt, "\(path) is no genesis file: \(error); take the one that the network's others use, byte by byte")
        }
    }
}
