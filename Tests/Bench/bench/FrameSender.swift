import CBench
import Foundation
import Lab
import Synchronization

/// Sends frames of a crowd, evenly, from a thread of its own until it is stopped.
final class FrameSender: Sendable {
    private let isStopped = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    /// A frame from each client a hundred times a second.
    init(_ lab: Topology, clients: Int) throws {
        let frames = Frames(.up, .v4, count: clients, lab: lab)
        let socket = try lab.clients[0].namespace.inside { bench_packet_socket("eth0") }
        guard socket >= 0 else { throw LabError.system("a raw socket on eth0", errno: errno) }
        Thread.detachNewThread { [self] in
            // A failure shows as packets that did not arrive.
            while !isStopped.load(ordering: .relaxed), (try? frames.spray(socket, packets: clients)) != nil {
                Thread.sleep(forTimeInterval: 0.01)
            }
            close(socket)
            ended.signal()
        }
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
    }
}
