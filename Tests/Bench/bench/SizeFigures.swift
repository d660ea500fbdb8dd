import Foundation
import Lab

/// How large the programs are on a board's disk.
struct SizeFigures {
    var directory: String

    func measure() throws -> [Figure] {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return try ["basestationd", "basestation", "qlink"].flatMap { name in
            let program = try Products.url(name).path
            let bare = directory + "/" + name
            try run(["strip", "-o", bare, program])
            let sizes = try [program, bare].map { path in
                Double(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0) / 1e6
            }
            return [
                Figure(
                    "size_\(name)_mb", "\(name)", unit: "MB", reference: "as built, with symbols; Swift's libraries come on top",
                    rounds: [sizes[0]]),
                Figure(
                    "size_\(name)_stripped_mb", "  stripped", unit: "MB", reference: "as built: \(sizes[0].short) MB",
                    rounds: [sizes[1]]),
            ]
        }
    }
}
