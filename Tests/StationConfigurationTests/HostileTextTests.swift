import StationConfiguration
import SimulatedHAL
import Testing

/// Whatever is in the file: a configuration, or an error with a place. Never a crash.
@Suite struct HostileTextTests {
    @Test func mutationsOfAValidFileAreReadOrRefusedWithALine() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SplitMix64(seed: seed)
        let words = [
            "\"", "'''", "\"\"\"", "[", "[[", "]", "]]", "{", "}", "=", ".", ",", "#", "\n", "\\", "\\u0000", "\u{0}", "1e9",
            "0x", "true",
            "-", "9223372036854775808", "nan", "tariff", "[[tariff.window]]", "2020-01-01T00:00:00Z", "é", "\u{feff}", "\r",
            "[a.b.c]",
        ]
        let valid = Array(example.utf8)
        var refused = 0
        for round in 0..<1_500 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
                case 2: bytes.insert(contentsOf: Array(words.randomElement(using: &random)!.utf8), at: place)
                default:
                    let end = min(bytes.count, place + Int.random(in: 1...80, using: &random))
                    bytes.insert(contentsOf: Array(bytes[place..<end]), at: Int.random(in: 0..<bytes.count, using: &random))
                }
                if bytes.isEmpty { bytes = [10] }
            }
            do { _ = try read(String(decoding: bytes, as: UTF8.self)) } catch {
                refused += 1
                #expect(!error.problems.isEmpty, "seed \(seed) round \(round)")
                for problem in error.problems {
                    #expect(problem.line >= 1 && problem.column >= 1, "seed \(seed) round \(round): \(problem)")
                    #expect(!problem.what.isEmpty && !problem.mend.isEmpty, "seed \(seed) round \(round): \(problem)")
                }
            }
        }
        #expect(refused > 300 && refused < 1_500, "the mutations are too wild or too tame: \(refused), seed \(seed)")
    }

    @Test func depthIsRefusedBeforeItCostsTheStack() {
        let depth = 200_000
        let deep = [
            String(repeating: "a.", count: depth) + "a = 1",
            "[" + String(repeating: "a.", count: depth) + "a]",
            "a = " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth),
            "a = " + String(repeating: "{a = ", count: depth) + "1" + String(repeating: "}", count: depth),
            "x = \"\"\"a\"\"\"\"\" # \"\n" + String(repeating: "a.", count: depth) + "a = 1",
            "x = 'it''\n" + String(repeating: "a.", count: depth) + "a = 1",
            "a = [" + String(repeating: "\n{" + String(repeating: "b.", count: 14) + "b = [", count: 60) + "1",
        ]
        for text in deep {
            let found = complaints(text + "\n" + minimal)
            #expect(found.count == 1 && found[0].hasPrefix("station.toml:"), "\(found.prefix(2))")
        }
    }

    /// toml++ 3.3 asserts that these cannot be.
    @Test(arguments: [
        "[[[1]]]", "[[=", "[[[]", "é = 1", "a\u{a0}= 1", "[é]", "a = é", "\u{fb26}", "\u{feff}\u{feff}a = 1", "\u{1680}",
    ])
    func whatTheLibraryDoesNotExpectIsRefused(_ text: String) {
        let found = complaints(text)
        #expect(found.count == 1 && found[0].contains("this is not TOML"), "\(found)")
    }

    @Test func dotsInTextAndCommentsAreNoDepth() {
        let dots = String(repeating: ".", count: 200)
        for text in [
            "# \(dots)\n", "[portal]\nmessage = \"\(dots)\"\n", "[portal]\nmessage = '\(dots)'\n",
            "[portal]\nmessage = '''\n\(dots)'''\n",
            "[portal]\nmessage = \"\\\"\(dots)\"\n",
        ] {
            #expect(complaints(text + minimal).filter { $0.contains("dots") }.isEmpty)
        }
    }

    @Test func aMegabyteOfNonsenseIsRefusedInReasonableTime() {
        let many = (0..<20_000).map { "key\($0) = \($0)" }.joined(separator: "\n")
        let clock = ContinuousClock()
        let took = clock.measure { #expect(!complaints(many).isEmpty) }
        #expect(took < .seconds(20))
        #expect(complaints(String(repeating: "#", count: 1 << 20 + 1)).first?.contains("larger than 1 MiB") == true)
        #expect(!complaints("\(String(repeating: "k", count: 1 << 19)) = 1").isEmpty)
    }
}
