import CLinux
import Glibc
import HAL
import Netlink

/// Waits for the first packet that comes in on any of the ports, also on those that come later.
///
/// One packet socket a port, and one that tells of interfaces: a port that goes down is let go, one that comes up is listened to.
/// Unchecked: it belongs to whoever made it, then to the one thread that waits.
final class ClientListener: @unchecked Sendable {
    enum Outcome {
        case packet
        case stopped
        case failed(HALError)
    }

    private let ports: Set<String>
    private let namespace: NetworkNamespace?
    private let events: RouteEventSocket
    private let wake: WakeEnd
    private var sockets: [Int32: Int32] = [:]  // descriptor by the interface's index

    /// - Throws: `.notPermitted` without CAP_NET_RAW
    init(on ports: Set<String>, in namespace: NetworkNamespace?) throws(HALError) {
        (self.ports, self.namespace) = (ports, namespace)
        wake = try WakeEnd(for: "listen for packets")
        // Listening to changes starts before the ports are looked at: what changes in between is told.
        events = try netlink("listen to link events") { () throws(NetlinkError) in try RouteEventSocket(in: namespace) }
        try listen()
    }

    deinit { for socket in sockets.values { close(socket) } }

    func stop() { wake.up() }

    func wait() -> Outcome {
        while true {
            let places = sockets.sorted { $0.key < $1.key }
            var waits = ([wake.descriptor, events.descriptor] + places.map(\.value)).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            let ready = poll(&waits, nfds_t(waits.count), -1)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0, waits[0].revents == 0 else { return .stopped }
            for (place, wait) in zip(places, waits[2...]) where wait.revents != 0 {
                let came = clinux_packet_came(place.value)
                if came > 0 { return .packet }
                if came < 0 { drop(place.key) }  // it went down; its coming up is told
            }
            guard waits[1].revents != 0 else { continue }
            do throws(HALError) { if try hearsOfPorts() { try listen() } } catch { return .failed(error) }
        }
    }

    private func hearsOfPorts() throws(HALError) -> Bool {
        var concerned = false
        do throws(NetlinkError) {
            try events.receive { event in
                switch event {
                case .link(let link), .linkGone(let link): if ports.contains(link.name) { concerned = true }
                case .neighbour, .neighbourGone: break
                }
            }
        } catch {
            guard error == .overrun else { throw HALError(error, doing: "listen to link events") }
            return true  // some were lost: look for oneself
        }
        return concerned
    }

    /// Opens what is not open yet, closes what is gone.
    private func listen() throws(HALError) {
        let namespace = namespace
        let links = try netlink("read the interfaces") { () throws(NetlinkError) in try RouteSocket(in: namespace).links() }
        let there = links.filter { ports.contains($0.name) && $0.isUp }
        for index in sockets.keys.sorted() where !there.contains(where: { $0.index == index }) { drop(index) }
        for link in there where sockets[link.index] == nil {
            let index = link.index
            let socket = try netlink("listen on \(link.name)") { () throws(NetlinkError) in
                try namespace.run { clinux_packet_socket(index) }
            }
            switch -socket {
            case ..<1: sockets[index] = socket
            case ENODEV, ENXIO, ENETDOWN: continue  // gone again meanwhile
            case EPERM, EACCES:
                throw HALError(
                    .notPermitted, "cannot listen for packets on \(link.name): it needs CAP_NET_RAW",
                    mend: "run as root, or grant it with AmbientCapabilities=CAP_NET_RAW and AF_PACKET in the unit")
            case EAFNOSUPPORT:
                throw HALError(
                    .notPermitted, "cannot listen for packets on \(link.name): the unit or the kernel has no AF_PACKET",
                    mend: "add AF_PACKET to RestrictAddressFamilies in the unit")
            case let code:
                throw HALError(
                    .full, "cannot listen for packets on \(link.name): \(String(cString: strerror(code)))",
                    mend: "raise LimitNOFILE")
            }
        }
    }

    private func drop(_ index: Int32) {
        if let socket = sockets.removeValue(forKey: index) { close(socket) }
    }
}
