public import Primitives

/// The first frame of each side.
public struct Hello: Hashable, Sendable, Canonical {
    /// The version of frames and hello spoken here.
    public static let currentVersion: UInt16 = 1
    static let softwareLimit = 64
    static let lengthLimit = 2 + 32 + 2 + 4 + softwareLimit + 8

    public var version = Hello.currentVersion
    /// Hash of the genesis block: who has another lives in another world.
    public var chainID = Bytes32.zero
    /// Where others can dial this node, at the address it is seen with; 0 when they cannot.
    public var listeningPort: UInt16 = 0
    /// Name and version of the program, to be shown to people: at most 64 bytes.
    public var software = ""
    /// The node's wall clock in seconds since 1970, for people and for an estimate of the network's time; it decides nothing here.
    public var networkTime: Int64 = 0

    public init() {}

    public init(chainID: Bytes32, listeningPort: UInt16, software: String, networkTime: Int64) {
        precondition(software.utf8.count <= Self.softwareLimit, "the software's name is longer than a hello allows")
        (self.chainID, self.listeningPort, self.software, self.networkTime) = (chainID, listeningPort, software, networkTime)
    }

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&version)
        try coder.nested(&chainID)
        try coder.integer(&listeningPort)
        try coder.text(&software, limit: Self.softwareLimit)
        try coder.integer(&networkTime)
    }
}

/// Why a link was ended, as it is told to the other side: the one byte of a goodbye frame.
public enum Goodbye: UInt8, Hashable, Sendable {
    case leaving = 1
    case wrongVersion, wrongChain
    /// The other end is this very node.
    case isSelf
    /// There is a link to that identity already.
    case duplicate
    case banned
    case malformed
    /// The handshake took too long.
    case late
    /// Nothing was heard for too long.
    case silent
    /// It does not read what it is sent.
    case slowReader
    /// Another identity than the one that was dialled.
    case impostor
}

/// Why a link is no more.
public enum DisconnectReason: Error, Hashable, Sendable, CustomStringConvertible {
    /// This node ended it.
    case ended(Goodbye)
    /// The peer ended it, and said why.
    case told(Goodbye)
    /// It broke, or the peer said nothing.
    case lost(String)
    /// There never was one: no route, no listener, no TLS 1.3, no certificate of an Ed25519 identity.
    case failed(String)

    public var description: String {
        switch self {
        case .ended(let reason): "ended here: \(reason)"
        case .told(let reason): "ended by the peer: \(reason)"
        case .lost(let detail): "lost: \(detail)"
        case .failed(let detail): "no link: \(detail)"
        }
    }
}

/// Of two links between the same two nodes one stays, and both nodes choose the same one without a word.
enum DuplicateRule {
    /// Dialled crosswise, the link that the lower identity dialled stays. Dialled twice from one side, the later one does: the
    /// dialler has lost the earlier one, or it would not have dialled.
    static func keepsNew(own: PublicKey, peer: PublicKey, oldIsInbound: Bool, newIsInbound: Bool) -> Bool {
        guard oldIsInbound != newIsInbound else { return true }
        let newDialler = newIsInbound ? peer : own
        return newDialler == min(own, peer)
    }
}
