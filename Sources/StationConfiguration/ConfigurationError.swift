/// Everything that is wrong with a configuration, in the order of the file.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    public struct Problem: Hashable, Sendable, Codable, CustomStringConvertible {
        /// The file, or the variable of the environment.
        public var file: String
        /// From 1; 0 where there is no line: in the environment, or when the file cannot be read.
        public var line: Int
        public var column: Int
        public var what: String
        public var mend: String

        public var description: String { line > 0 ? "\(file):\(line):\(column): \(what); \(mend)" : "\(file): \(what); \(mend)" }
    }

    public var problems: [Problem]

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The nearest of some words by edit distance, if it is near at all.
func nearest(to word: String, among words: some Sequence<String>) -> String? {
    let word = String(word.prefix(64))  // the distance of a megabyte would take its time
    return words.map { ($0, distance(word, $0)) }.filter { $0.1 <= max(2, word.count / 3) }
        .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

/// Levenshtein's distance.
private func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left), Array(right))
    var row = Array(0...b.count)
    for i in a.indices {
        var previous = row[0]
        row[0] = i + 1
        for j in b.indices {
            let cost = a[i] == b[j] ? previous : 1 + min(previous, row[j], row[j + 1])
            previous = row[j + 1]
            row[j + 1] = cost
        }
    }
    return row[b.count]
}
