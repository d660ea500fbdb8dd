import Glibc

/// A passphrase comes from a terminal, which does not show it, or from a file or descriptor; never from arguments or the environment,
/// which others can list.
public enum Passphrase {
    public static let limit = 1_024

    /// The passphrase of a file that there is.
    public static func of(_ what: String, from file: String?) throws -> [UInt8] {
        if let file { return try read(file) }
        guard isatty(0) == 1 else {
            throw CustodyError("\(what) has a passphrase and nobody is there to type it: --passphrase-file FILE")
        }
        return try Terminal.hiddenLine("Passphrase of \(what): ")
    }

    /// One to be set; nil if nobody is there to think of one.
    public static func new(for what: String, from file: String?) throws -> [UInt8]? {
        if let file { return try read(file) }
        guard isatty(0) == 1 else { return nil }
        let first = try Terminal.hiddenLine("New passphrase for \(what), several words: ")
        guard !first.isEmpty else { throw CustodyError("an empty passphrase protects nothing; nothing was written") }
        guard try Terminal.hiddenLine("Once more: ") == first else {
            throw CustodyError("the two differ; nothing was written")
        }
        return first
    }

    /// The first line. `/dev/fd/3` is a descriptor that a script opened.
    private static func read(_ path: String) throws -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw CustodyError("\(path) cannot be read: \(String(cString: strerror(errno)))") }
        defer { close(fd) }
        var info = stat()
        guard fstat(fd, &info) == 0, info.st_mode & S_IFMT != S_IFREG || info.st_mode & 0o077 == 0 else {
            throw CustodyError("\(path) can be read by others; a passphrase must not: chmod 600 \(path)")
        }
        let line = try PrivateFile.bytes(of: fd, path, atMost: limit).prefix { $0 != 0x0a }
        guard !line.isEmpty else { throw CustodyError("\(path) holds no passphrase") }
        return Array(line)
    }
}

/// The person at standard input.
public enum Terminal {
    /// A line that is not shown. The terminal is as before afterwards, also when it is broken off with ^C.
    public static func hiddenLine(_ prompt: String) throws -> [UInt8] {
        var before = termios()
        guard tcgetattr(0, &before) == 0 else { throw CustodyError("the terminal cannot be asked unseen") }
        var silent = before
        // Byte by byte, ^C as a byte: a signal would leave the terminal silent.
        silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        guard tcsetattr(0, TCSAFLUSH, &silent) == 0 else { throw CustodyError("the terminal cannot be asked unseen") }
        defer {
            tcsetattr(0, TCSAFLUSH, &before)
            say("\n")
        }
        say(prompt)
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while Glibc.read(0, &byte, 1) == 1 {
            switch byte {
            case 0x0a, 0x0d: return line
            case 0x03, 0x04: throw CustodyError("broken off; nothing was done")
            case 0x08, 0x7f: removeLast(&line)
            default:
                guard line.count < Passphrase.limit else {
                    throw CustodyError("a passphrase has at most \(Passphrase.limit) bytes")
                }
                line.append(byte)
            }
        }
        throw CustodyError("the terminal is closed; nothing was done")
    }

    /// The last character, whose later bytes begin with 10 in UTF-8.
    private static func removeLast(_ line: inout [UInt8]) {
        while let byte = line.popLast(), byte & 0xc0 == 0x80 {}
    }

    /// On standard error: what a script reads stays clean.
    public static func say(_ words: String) {
        let bytes = Array(words.utf8)
        _ = Glibc.write(2, bytes, bytes.count)
    }
}
