import CLab
public import Foundation
import Glibc

/// A terminal without a screen.
public struct PseudoTerminal {
    private let master: FileHandle
    private let slave: FileHandle

    public init() throws {
        var other: Int32 = -1
        let screen = lab_terminal(&other)
        guard screen >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        master = FileHandle(fileDescriptor: screen, closeOnDealloc: true)
        slave = FileHandle(fileDescriptor: other, closeOnDealloc: true)
    }

    /// Types each answer when its question is on the screen. Gives all that was shown, and the program's exit code.
    public func run(
        _ program: URL, _ words: [String], _ environment: [String: String] = [:], answers: [(question: String, answer: String)]
    ) throws -> (shown: String, status: Int32) {
        let process = Process()
        (process.executableURL, process.arguments) = (program, words)
        process.environment = ["HOME": "/dev/null", "LLVM_PROFILE_FILE": "/dev/null"].merging(environment) { $1 }
        (process.standardInput, process.standardOutput, process.standardError) = (slave, slave, slave)
        try process.run()
        try slave.close()
        var shown = ""
        var left = answers[...]
        var seen = shown.startIndex
        while true {
            var part = [UInt8](repeating: 0, count: 4_096)
            let count = read(master.fileDescriptor, &part, part.count)
            guard count > 0 else { break }
            shown += String(decoding: part.prefix(count), as: UTF8.self)
            if let next = left.first, shown[seen...].contains(next.question) {
                seen = shown.endIndex
                left.removeFirst()
                master.write(Data(next.answer.utf8))
            }
        }
        process.waitUntilExit()
        return (shown, process.terminationStatus)
    }
}
