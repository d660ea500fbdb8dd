public import Primitives

/// That a path has a value in a state, or that it has none: the siblings on the way from where the way ends up to the root.
///
/// At 100,000 leaves about 17 siblings of 32 bytes; empty ones are only a bit each.
public struct StateProof: Hashable, Sendable {
    /// What stands where the way ends.
    enum End: Hashable, Sendable {
        /// Nothing: the path is absent.
        case empty
        /// The path's own leaf.
        case value(Bytes32)
        /// The leaf of another path, alone in its subtree: the path is absent.
        case leaf(path: Bytes32, value: Bytes32)
    }

    private(set) var end: End
    /// Bit by bit from the root, lowest bit of a byte first: whether the sibling there is a subtree, not empty. The last one always is, or
    /// the way would have ended above it; so the last byte is not 0 and the length of the way follows.
    private var places: [UInt8]
    /// The siblings that are not empty, from the root on.
    private var siblings: [Bytes32]

    /// `siblings` from the root on, each with the bit of the path that it stands beside.
    init(end: End, siblings: [(bit: Int, hash: Bytes32)]) {
        self.end = end
        self.siblings = siblings.map(\.hash)
        places = Array(repeating: 0, count: siblings.last.map { $0.bit / 8 + 1 } ?? 0)
        for sibling in siblings { places[sibling.bit / 8] |= 1 << UInt8(sibling.bit % 8) }
    }

    /// How many levels below the root the way ends.
    var depth: Int { places.count * 8 - (places.last?.leadingZeroBitCount ?? 0) }

    /// From the root on, one for each level; nil where the sibling is empty.
    var way: [Bytes32?] {
        var next = siblings.makeIterator()
        return (0..<depth).map { places[$0 / 8] >> UInt8($0 % 8) & 1 == 1 ? next.next() : nil }
    }

    /// The value hash that `root` commits to at `path`; nil: it is proved to have none.
    ///
    /// Throws if the proof is not one of this path under this root. Cost: one hash a level.
    public func value(at path: Bytes32, under root: Bytes32) throws(LedgerProofError) -> Bytes32? {
        var (hash, value): (Bytes32, Bytes32?)
        switch end {
        case .empty: (hash, value) = (.zero, nil)
        case .value(let own): (hash, value) = (TreeHash.leaf(path, own), own)
        case .leaf(let other, let its):
            guard other != path, other.commonPrefix(with: path) >= depth else { throw .misplaced(leaf: other, path: path) }
            (hash, value) = (TreeHash.leaf(other, its), nil)
        }
        for (bit, sibling) in way.enumerated().reversed() {
            hash = TreeHash.node(hash, beside: sibling ?? .zero, at: bit, of: path)
        }
        guard hash == root else { throw .otherRoot(path: path, computed: hash, expected: root) }
        return value
    }
}

extension StateProof: Canonical {
    /// That anything is absent from the empty state.
    public init() { self.init(end: .empty, siblings: []) }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.nested(&end)
        try coder.bytes(&places, limit: Bytes32.bits / 8)
        guard places.last != 0 else { throw .invalid("the last sibling of a proof is empty") }
        try coder.array(&siblings, limit: Bytes32.bits)
        let stated = places.reduce(0) { $0 + $1.nonzeroBitCount }
        guard siblings.count == stated else { throw .invalid("\(siblings.count) siblings where the proof states \(stated)") }
        guard !siblings.contains(.zero) else { throw .invalid("an empty sibling is written out") }
    }
}

extension StateProof.End: Canonical {
    init() { self = .empty }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        var path = Bytes32.zero
        var value = Bytes32.zero
        var kind: UInt8 = 0
        switch self {
        case .empty: break
        case .value(let own): (kind, value) = (1, own)
        case .leaf(let other, let its): (kind, path, value) = (2, other, its)
        }
        switch try coder.tag(kind) {
        case 0: self = .empty
        case 1:
            try coder.nested(&value)
            self = .value(value)
        case 2:
            try coder.nested(&path)
            try coder.nested(&value)
            self = .leaf(path: path, value: value)
        case let unknown: throw .invalid("the end of a proof has no kind \(unknown)")
        }
    }
}

extension StateTree {
    /// Proves the value at `path`, or that it has none, under `root`.
    public func proof(of path: Bytes32) -> StateProof {
        guard let nearest = leaf(under: top, along: path) else { return StateProof() }
        let shared = path.commonPrefix(with: nearest.path)
        var siblings: [(bit: Int, hash: Bytes32)] = []
        var link = top
        while case .branch(let index) = link {
            let branch = branches[index]
            if branch.bit > shared {
                siblings.append((shared, hash(ofBranch: index, at: shared + 1, along: nearest.path)))
                return StateProof(end: .empty, siblings: siblings)
            }
            let isRight = path.bit(branch.bit)
            siblings.append((branch.bit, hash(of: branch.side(!isRight))))
            link = branch.side(isRight)
        }
        let end = nearest.path == path ? StateProof.End.value(nearest.value) : .leaf(path: nearest.path, value: nearest.value)
        return StateProof(end: end, siblings: siblings)
    }
}
