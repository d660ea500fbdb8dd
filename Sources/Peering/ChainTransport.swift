public import Node
public import Primitives

/// Frames as a chain node wants them: each kind of message has a frame type of its own, and its limit.
extension FrameLimits {
    public static let chain = FrameLimits(
        Dictionary(uniqueKeysWithValues: ChainMessage.Kind.allCases.map { ($0.rawValue, $0.limit) }))
}

/// A network of peers for one chain node.
public struct PeerTransport: ChainTransport {
    private let network: PeerNetwork

    /// - Parameter network: made with ``FrameLimits/chain``; its events are read here alone.
    public init(_ network: PeerNetwork) { self.network = network }

    public func next() async -> ChainNode.Event? {
        while let event = await network.events.queue.next() {
            switch event {
            case .connected(let peer, let info):
                return .connected(peer, network: NetworkGroup.provider(of: info.endpoint).number)
            case .disconnected(let peer, _): return .disconnected(peer)
            case .received(let peer, let type, let bytes):
                // The network lets no other type through.
                guard let kind = ChainMessage.Kind(rawValue: type) else { continue }
                do { return .message(try ChainMessage(kind, bytes), from: peer) } catch {
                    await network.punish(peer, points: 20, why: "a \(kind) that cannot be read: \(error)")
                }
            }
        }
        return nil
    }

    public func send(_ message: ChainMessage, to peer: PublicKey?) async {
        let bytes = message.bytes
        guard bytes.count <= message.kind.limit else { return }
        if let peer {
            await network.send(bytes, type: message.kind.rawValue, to: peer)
        } else {
            await network.broadcast(bytes, type: message.kind.rawValue)
        }
    }

    public func punish(_ peer: PublicKey, _ misdeed: ChainNode.Misdeed) async {
        let points: UInt32 = misdeed == .unasked ? 10 : 50
        await network.punish(peer, points: points, why: misdeed.rawValue)
    }
}
