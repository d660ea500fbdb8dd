public import Foundation

/// Where the programs are that this package builds.
public enum Products {
    /// A built program: in the folder `BASESTATION_BIN` names, else beside the running test binary.
    public static func url(_ name: String) throws -> URL {
        let places = folders()
        for place in places {
            let candidate = place.appendingPathComponent(name)
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
        }
        throw LabError.missingProduct(name, searched: places.map(\.path))
    }

    /// The packet gate's rules, in this source tree.
    public static let rules = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../board/gate.nft")
        .standardizedFileURL.path

    private static func folders() -> [URL] {
        // Whoever names a folder means that one: an older build elsewhere must not be tested instead.
        if let named = ProcessInfo.processInfo.environment["BASESTATION_BIN"], !named.isEmpty {
            return [URL(fileURLWithPath: named, isDirectory: true)]
        }
        return [URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()]
    }
}
