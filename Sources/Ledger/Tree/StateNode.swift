import Primitives

/// One entry of the state.
struct StateLeaf: Sendable {
    var path: Bytes32
    var value: Bytes32

    var hash: Bytes32 { TreeHash.leaf(path, value) }
}

/// Where a subtree is kept.
enum StateLink: Hashable, Sendable {
    case empty
    case leaf(Int)
    case branch(Int)
}

/// A place where paths part: there are leaves on both sides. Levels on which all leaves below go one way have no node of their own, so there
/// is one branch less than there are leaves, whatever paths an attacker finds.
struct StateBranch: Sendable {
    /// Of the subtree as the branch above sees it, which may be many levels higher: right below that one's bit.
    var hash = Bytes32.zero
    /// The bit that parts them (8), then where the left side is and where the right (28 each): a leaf's or a branch's number, and which of
    /// the two in the lowest bit. Forty bytes a branch, not 48.
    private var packed: UInt64

    /// More would need over 13 GB.
    static let leavesMax = 1 << 27

    init(bit: Int, left: StateLink, right: StateLink) {
        packed = UInt64(bit) << 56 | Self.pack(left) << 28 | Self.pack(right)
    }

    var bit: Int { Int(packed >> 56) }
    var left: StateLink { Self.unpack(packed >> 28 & 0xfff_ffff) }
    var right: StateLink { Self.unpack(packed & 0xfff_ffff) }

    func side(_ isRight: Bool) -> StateLink { isRight ? right : left }

    mutating func connect(left: StateLink, right: StateLink) { self = StateBranch(bit: bit, left: left, right: right) }

    private static func pack(_ link: StateLink) -> UInt64 {
        switch link {
        case .leaf(let index): UInt64(index) << 1 | 1
        case .branch(let index): UInt64(index) << 1
        case .empty: preconditionFailure("a branch has leaves on both sides")
        }
    }

    private static func unpack(_ bits: UInt64) -> StateLink {
        bits & 1 == 1 ? .leaf(Int(bits >> 1)) : .branch(Int(bits >> 1))
    }
}
