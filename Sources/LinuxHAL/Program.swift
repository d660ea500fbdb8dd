import CLinux
import Glibc

/// Programs of the distribution's, run to their end.
enum Program {
    private static let folders = ["/usr/sbin/", "/sbin/", "/usr/bin/"]
    private static let outputLimit = 4_096

    /// - Returns: the exit status (-ENOENT: not installed, -ETIMEDOUT: killed when the time was over), and what it printed.
    static func run(_ words: [String], milliseconds: Int32) -> (status: Int32, output: String) {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var output = [CChar](repeating: 0, count: outputLimit)
        var status = -ENOENT
        for folder in folders where status == -ENOENT {
            status = clinux_run(folder + words[0], &arguments, &output, output.count, milliseconds)
        }
        return (status, String(decoding: output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
