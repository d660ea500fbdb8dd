import Foundation
import Testing

/// Rules of the house that no compiler checks.
@Suite struct TidyTests {
    static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardizedFileURL

    static let sources: [(path: String, text: String)] = ["Sources", "Tests"].flatMap { folder in
        let names =
            FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".swift") }.sorted().map { name in
            (
                folder + "/" + name,
                (try? String(contentsOf: root.appendingPathComponent(folder + "/" + name), encoding: .utf8)) ?? ""
            )
        }
    }

    @Test func thereIsSomethingToLookAt() { #expect(Self.sources.count > 50) }

    @Test func filesAreShort() {
        for (path, text) in Self.sources {
            #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 401, "\(path) is too long")
        }
    }

    @Test func shippedModulesUseFoundationEssentialsOnly() {
        for (path, text) in Self.sources where path.hasPrefix("Sources/") {
            for line in text.split(separator: "\n") {
                #expect(!line.hasSuffix("import Foundation"), "\(path) imports full Foundation")
            }
        }
    }

    @Test(arguments: [
        ("Charging", ["HAL"]), ("Consensus", ["HAL", "Charging"]), ("Ledger", ["HAL", "Crypto"]), ("Node", ["HAL", "Crypto"]),
        ("BoardControl", []), ("ProofOfWork", ["HAL"]), ("Monero", ["HAL"]), ("Stratum", ["HAL"]), ("MiningPool", ["HAL"]),
        ("Idleness", []),
    ]) func theDomainIsPure(
        module: String, andWithout more: [String]
    ) {
        let forbidden = ["Glibc", "FoundationEssentials", "NIOCore", "NIOPosix", "Logging", "CLinux"] + more
        let files = Self.sources.filter { $0.path.hasPrefix("Sources/\(module)/") }
        #expect(!files.isEmpty)
        for (path, text) in files {
            for module in forbidden { #expect(!text.contains("import \(module)\n"), "\(path) imports \(module)") }
            for word in ["Date()", ".random(", "ContinuousClock", " Task {"] {
                #expect(!text.contains(word), "\(path) uses \(word)")
            }
        }
    }

    @Test func nothingIsLeftOpen() {
        for (path, text) in Self.sources where path.hasPrefix("Sources/") {
            for word in ["TO" + "DO", "FIX" + "ME", "fatal" + "Error(", "try" + "! "] {
                #expect(!text.contains(word), "\(path) has \(word)")
            }
        }
    }
}
