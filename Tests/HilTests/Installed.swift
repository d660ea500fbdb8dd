import Foundation
import Lab

/// Programs of the guest's own disk, which is gone with it.
enum Installed {
    private static func path(_ program: String) -> String { "/usr/sbin/\(program)" }
    static func kept(_ program: String) -> String { path(program) + ".kept" }

    /// Until the body has ended it is not there, unless the body puts something in its place.
    static func away(_ program: String, _ body: () throws -> Void) throws {
        try run(["mv", path(program), kept(program)])
        defer { try? back(program) }
        try body()
    }

    static func back(_ program: String) throws {
        if FileManager.default.fileExists(atPath: kept(program)) { try run(["mv", kept(program), path(program)]) }
    }

    static func replace(_ program: String, by script: String) throws {
        try "#!/bin/sh\n\(script)\n".write(toFile: path(program), atomically: true, encoding: .utf8)
        try run(["chmod", "755", path(program)])
    }
}
