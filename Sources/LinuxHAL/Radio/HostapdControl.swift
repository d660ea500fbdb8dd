import Glibc
public import HAL
public import Primitives

/// hostapd's control socket (hostapd's ctrl_iface, wpa_ctrl.h): a command a datagram, an answer a datagram.
///
/// hostapd may be gone, hang or be another program: every wait is bounded, and an answer is text that is checked.
/// One thread at a time.
public final class HostapdControl {
    /// hostapd answers in milliseconds; on an emulated board in a second.
    public static let timeoutSeconds = 5
    static let answerLimit = 64 << 10

    private let path: String
    private let descriptor: Int32

    /// - Parameter path: `ctrl_interface` of hostapd's configuration, and the interface: `/run/hostapd/wlan0`
    public init(path: String, timeoutSeconds: Int = HostapdControl.timeoutSeconds) throws(HALError) {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw HALError(.broken, "no socket for hostapd: \(String(cString: strerror(errno)))", mend: "")
        }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        // A name of the kernel's choice: hostapd must know where to answer, and no file is left behind.
        var own = sockaddr_un()
        own.sun_family = sa_family_t(AF_UNIX)
        let isNamed = withUnsafePointer(to: &own) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sa_family_t>.size)) == 0
            }
        }
        // Connected: what others send to us is not received.
        guard isNamed, var address = sockaddr_un(path: path) else {
            close(descriptor)
            throw HALError(.broken, "\(path) cannot be the name of a socket", mend: "choose a shorter runtime directory")
        }
        let connected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard connected else {
            let error = Self.failure(errno, path)
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// The answer to a command. Throws `.unsupported` when hostapd says FAIL or does not know the command.
    ///
    /// - Parameter subject: what the command is for, for errors; the command itself may hold a passphrase
    public func ask(_ command: String, for subject: String) throws(HALError) -> String {
        try send(command)
        while true {
            let answer = try receive()
            // An event of an earlier ATTACH, or the late answer of nobody: events begin with their priority.
            if answer.hasPrefix("<") { continue }
            guard !answer.hasPrefix("FAIL"), !answer.hasPrefix("UNKNOWN COMMAND") else {
                throw HALError(.unsupported, "hostapd refuses to \(subject)", mend: "see journalctl -u basestation-hostapd")
            }
            return answer
        }
    }

    /// Events come from now on to `nextEvent`; use a control of its own for them.
    public func attach() throws(HALError) { _ = try ask("ATTACH", for: "tell what happens") }

    /// Waits for the next event that means something to us; nil when there was none in `timeoutSeconds`.
    public func nextEvent() throws(HALError) -> HostapdEvent? {
        while true {
            let text: String
            do throws(HALError) { text = try receive() } catch {
                if error.kind == .busy { return nil }
                throw error
            }
            if let event = HostapdEvent(text) { return event }
        }
    }

    private func send(_ command: String) throws(HALError) {
        // hostapd reads a command to its first newline in some places and to its end in others.
        guard !command.utf8.contains(where: { $0 < 0x20 }) else {
            throw HALError(.broken, "a command to hostapd holds a control character", mend: "")
        }
        let bytes = Array(command.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Self.failure(errno, path)
        }
    }

    private func receive() throws(HALError) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.answerLimit)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw Self.failure(errno, path) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func failure(_ error: Int32, _ path: String) -> HALError {
        switch error {
        case ENOENT, ECONNREFUSED, ENOTCONN, ECONNRESET:
            HALError(.missing, "hostapd does not answer at \(path)", mend: "start it: systemctl restart basestation-hostapd")
        case EACCES, EPERM:
            HALError(.notPermitted, "\(path) may not be used", mend: "run as root, or in the group of ctrl_interface_group")
        case EAGAIN:
            HALError(
                .busy, "hostapd gave no answer in \(timeoutSeconds) s at \(path)", mend: "see journalctl -u basestation-hostapd")
        default: HALError(.broken, "hostapd at \(path): \(String(cString: strerror(error)))", mend: "")
        }
    }
}

extension HostapdControl {
    /// nil when it is not associated.
    public func station(_ mac: MACAddress) throws(HALError) -> HostapdStation? {
        do throws(HALError) {
            return HostapdStation(try ask("STA \(mac)", for: "tell of \(mac)"))
        } catch {
            guard error.kind == .unsupported else { throw error }
            return nil
        }
    }

    /// Its keys are forgotten: it must join anew, and cannot when its passphrase is gone.
    public func deauthenticate(_ mac: MACAddress) throws(HALError) {
        _ = try ask("DEAUTHENTICATE \(mac)", for: "send \(mac) away")
    }

    /// Has `wpa_psk_file` read anew. A station stays as long as its own entry stays; SAE stations of that BSS all go.
    public func readPassphrases() throws(HALError) { _ = try ask("RELOAD_WPA_PSK", for: "read the passphrases") }

    /// SAE passwords, each for one device; who is on the air stays. hostapd cannot tell what it holds, so the caller knows.
    ///
    /// - Parameter clearing: forget all others
    func setSAEPasswords(_ credentials: [WirelessCredential], clearing: Bool) throws(HALError) {
        if clearing { _ = try ask("SET sae_password ", for: "forget the SAE passwords") }
        for credential in credentials {
            guard let mac = credential.mac else { continue }
            _ = try ask("SET sae_password \(credential.passphrase)|mac=\(mac)", for: "take the SAE password of \(credential.id)")
        }
    }

    /// The keys by which devices come back without their passphrase.
    func forgetKeys() throws(HALError) { _ = try ask("PMKSA_FLUSH", for: "forget the keys of earlier connections") }

    public func state() throws(HALError) -> HostapdState { HostapdState(try ask("STATUS", for: "tell its state")) }
}

extension sockaddr_un {
    /// nil if the path is too long for the kernel (108 bytes with a closing zero).
    fileprivate init?(path: String) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &sun_path) { room in
            guard bytes.count < room.count, !bytes.contains(0) else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        guard fits else { return nil }
    }
}
