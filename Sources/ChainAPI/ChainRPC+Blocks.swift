import BoundedJSON
import Chain
import Consensus
import Ledger
import Node
import Primitives

/// Blocks, and what convinces a light client.
extension ChainRPC {
    func block(at height: UInt64) async throws(Fault) -> CertifiedBlock {
        if let found = try await keptBlock(at: height) { return found }
        let head = await source.read { $0.state.head.height }
        if height > head { throw Fault(.notFound, "the chain is at height \(head); wait for \(height), or follow the events") }
        throw Fault(.notKept, "block \(height) is not kept here any more; ask an archive node")
    }

    /// nil when it is not there yet, or not kept any more.
    func keptBlock(at height: UInt64) async throws(Fault) -> CertifiedBlock? {
        do { return try await source.block(at: height) } catch {
            throw Fault(.internalError, "block \(height) could not be read: \(error)")
        }
    }

    /// Heights of the epoch at the head, and of the end of the one before: for others the delegates are not known any more.
    func lightBlock(at height: UInt64) async throws(Fault) -> LightBlock {
        let certified = try await block(at: height)
        let name = certified.block.header.delegateSet
        let set = await source.read { now in
            let epoch = now.state.epoch
            return [epoch.current, epoch.previous, epoch.next].first { $0.hash == name }
        }
        guard let set else {
            throw Fault(.notKept, "the delegates of height \(height) are not kept here any more; ask for a newer height")
        }
        return LightBlock(header: certified.block.header, commit: certified.commit, delegates: set)
    }

    /// - Parameter height: nil: those who decide on the next block.
    func validators(at height: UInt64?) async throws(Fault) -> JSONValue {
        if let height {
            let light = try await lightBlock(at: height)
            return views.validators(light.delegates, at: height, proposer: light.header.proposer)
        }
        let views = views
        return await source.read { now in
            let (set, height) = (now.state.epoch.current, now.state.head.height + 1)
            return views.validators(set, at: height, proposer: now.state.rotation.proposer)
        }
    }

    // MARK: Proofs

    private struct Evidence: Sendable {
        var entry: StateEntry?
        var proof: StateProof
        var root: Bytes32
        var height: UInt64
    }

    /// An entry, or its absence, under the state's root after the head.
    ///
    /// That root stands in the *next* header, as a header names the state that its block meets: `header_height` says which. When the head
    /// changed nothing its own header names the same root, and its light block comes along.
    func proof(_ given: Arguments) async throws(Fault) -> JSONValue {
        let key = try stateKey(given)
        let found = await source.read { now in
            Evidence(
                entry: now.state[key], proof: now.state.tree.proof(of: key.path), root: now.state.root,
                height: now.state.head.height)
        }
        let light = found.height == 0 ? nil : try? await lightBlock(at: found.height)
        let proving = light.flatMap { $0.header.stateRoot == found.root ? $0 : nil }
        return .fields([
            "kind": .text("\(key.kind)".inSnakeCase), "id": .id(key.id), "path": .id(key.path),
            "is_present": .bool(found.entry != nil), "entry": (found.entry?.canonicalBytes).map { .hex($0) },
            "proof": .hex(found.proof.canonicalBytes), "state_root": .id(found.root), "height": .count(found.height),
            "header_height": .count(proving?.height ?? found.height + 1), "light_block": proving.map { .hex($0.canonicalBytes) },
        ])
    }

    private func stateKey(_ given: Arguments) throws(Fault) -> StateKey {
        let kind = try given.choice("kind", of: StateKey.Kind.allCases)
        switch kind {
        case .parameters, .funds, .epoch, .attendance: return StateKey(kind, given.has("id") ? try given.id() : .zero)
        case .account, .delegate: return StateKey(kind, try given.address("id").raw)
        default: return StateKey(kind, try given.id())
        }
    }
}
