import Glibc
import HAL

/// Small text files: the kernel's in /proc, and our own in /run.
enum TextFile {
    static let sizeLimit = 1 << 20

    static func read(_ path: String) throws(HALError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("read \(path)") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < sizeLimit {
            let count = Glibc.read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read \(path)") }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// In place of what was there, in one step.
    static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws(HALError) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { mkdir(String(path[..<slash]), 0o755) }
        let draft = "\(path).new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw failure("write \(draft)") }
        let isWhole = Array(text.utf8).withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(file, bytes.baseAddress! + done, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        let problem = isWhole ? nil : failure("write \(draft)")
        close(file)
        if let problem { throw problem }
        guard chmod(draft, mode) == 0, rename(draft, path) == 0 else { throw failure("write \(path)") }
    }

    /// Into a file that is there already, such as a switch in /proc/sys.
    static func set(_ path: String, to text: String) throws(HALError) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("write \(path)") }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else { throw failure("write \(path)") }
    }

    private static func failure(_ what: String) -> HALError {
        let code = errno
        let detail = "cannot \(what): \(String(cString: strerror(code)))"
        return switch code {
        case EPERM, EACCES, EROFS:
            HALError(.notPermitted, detail, mend: "run as root, or let the unit write there (RuntimeDirectory=)")
        case ENOENT, ENOTDIR: HALError(.missing, detail, mend: "")
        case ENOSPC: HALError(.full, detail, mend: "make room on that file system")
        default: HALError(.broken, detail, mend: "")
        }
    }
}
