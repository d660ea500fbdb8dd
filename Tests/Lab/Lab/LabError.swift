/// Why the laboratory could not do what it was told.
public enum LabError: Error, Sendable {
    /// A command ended with another status than 0. `input` is what it read.
    case failed(command: [String], output: Output, input: String)
    case timedOut(command: [String], after: Duration, output: Output)
    /// A system call: what was tried, and errno.
    case system(String, errno: Int32)
    /// A command answered what cannot be read.
    case unreadable(what: String, text: String)
    case missingProduct(String, searched: [String])
    case waitedInVain(for: String, Duration)
}

extension LabError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .failed(let command, let output, let input):
            "\(command.joined(separator: " ")) ended with \(output.status): \(output.complaint)"
                + (input.isEmpty ? "" : "\nits input was:\n\(input.prefix(4000))")
        case .timedOut(let command, let after, let output):
            "\(command.joined(separator: " ")) did not end in \(after): \(output.complaint)"
        case .system(let what, let code): "\(what): \(errorText(code))"
        case .unreadable(let what, let text): "\(what) is not what was expected: \(text.prefix(1000))"
        case .missingProduct(let name, let places):
            "\(name) is not in \(places.joined(separator: " or ")); build it: swift build --product \(name), "
                + "or name its folder in BASESTATION_BIN"
        case .waitedInVain(let what, let duration): "waited \(duration) in vain for \(what)"
        }
    }
}
