import Foundation
import Glibc

/// HTTP as bytes, for saying what no client would say.
public struct RawHTTP: Sendable {
    public enum Place: Sendable { case tcp(Int), unix(String) }
    public let place: Place

    public init(place: Place) { self.place = place }

    private var host: String { if case .tcp(let port) = place { "station:\(port)" } else { "station" } }

    public struct Answer {
        public var status: Int
        public var headers: [String: String]
        public var body: String
        public func header(_ name: String) -> String? { headers[name.lowercased()] }
        public var json: [String: Any]? { try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] }
        /// RFC 9457: `urn:qlink:problem:` and this.
        public var problem: String? {
            guard header("content-type") == "application/problem+json", json?["status"] as? Int == status,
                json?["detail"] as? String != nil, let type = json?["type"] as? String
            else { return nil }
            return type.replacingOccurrences(of: "urn:qlink:problem:", with: "")
        }
    }

    /// nil: the station hung up without a word, as is right for what is not HTTP.
    public func say(_ bytes: [UInt8], patience: Double = 5) -> Answer? {
        guard let socket = Socket(place) else { return nil }
        socket.send(bytes)
        return Self.parse(socket.readToEnd(patience: patience))
    }

    public func ask(_ method: String, _ path: String, headers: [String] = [], body: String? = nil) -> Answer? {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host)", "Connection: close"] + headers
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
        return say(Array(text.utf8))
    }

    private static func parse(_ bytes: [UInt8]) -> Answer? {
        let parts = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")
        guard let head = parts.first?.components(separatedBy: "\r\n"), let status = head.first?.split(separator: " "),
            status.count > 1, let code = Int(status[1])
        else { return nil }
        var headers: [String: String] = [:]
        for line in head.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces) }
        }
        return Answer(status: code, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}

/// A connected socket, closed with its last owner.
public final class Socket {
    private let fd: Int32

    public init?(_ place: RawHTTP.Place) {
        switch place {
        case .tcp(let port):
            fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard result == 0 else { return nil }
        case .unix(let path):
            fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard result == 0 else { return nil }
        }
    }

    deinit { close(fd) }

    @discardableResult public func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Until the station hangs up, or patience ends.
    public func readToEnd(patience seconds: Double) -> [UInt8] { read(until: nil, patience: seconds) }

    /// Until `text` has come and what follows it at once, the station hangs up, or patience ends.
    public func read(until text: String?, patience seconds: Double) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let end = Date(timeIntervalSinceNow: seconds)
        while true {
            var wait = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            let left = end.timeIntervalSinceNow
            guard left > 0, poll(&wait, 1, Int32(left * 1_000)) > 0 else { return all }
            let count = recv(fd, &buffer, buffer.count, 0)
            guard count > 0 else { return all }
            all += buffer[..<count]
            if let text, String(decoding: all, as: UTF8.self).contains(text) { return all }
        }
    }

    /// Whether the station has hung up within `seconds`.
    public func isClosed(within seconds: Double) -> Bool {
        var wait = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        var byte: UInt8 = 0
        return poll(&wait, 1, Int32(seconds * 1_000)) > 0 && recv(fd, &byte, 1, 0) <= 0
    }
}
