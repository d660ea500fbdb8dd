import ArgumentParser
import Glibc
import Primitives
import StationConfiguration

/// First boot: five questions, six with a radio, and a configuration that is checked before it is written.
struct Setup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes the configuration of a new station from a few answers.",
        discussion: """
            Example: basestation setup
            With --answers nobody is asked: the file has one answer a line, in the order of the questions; an empty line takes \
            the default. Where the board has a radio, the country is asked after the uplink.
            """)

    @Option(help: "A file with the answers.") var answers: String?
    @Option(help: "Where the configuration goes.") var output = "/etc/basestation/station.toml"
    @Flag(help: "Replace a configuration that is there; it is kept as FILE.old.") var force = false

    func validate() throws {
        guard answers != nil || isatty(0) == 1 else {
            throw ValidationError("nobody is there to answer: write the answers into a file and add --answers FILE")
        }
    }

    func run() throws {
        if access(output, F_OK) == 0, !force {
            throw Refusal("\(output) is there already; change it with an editor, or replace it: basestation setup --force")
        }
        var source = AnswerSource(lines: try answers.map { try Self.lines(of: $0) })
        let text = try Self.text(&source)
        // Never a file that the daemon would refuse.
        do { _ = try StationConfiguration(text: text, file: output) } catch { throw Refusal("\(error)") }
        try write(text)
        print("\(output) is written. Next:")
        print("  systemctl enable --now basestationd")
        print("  basestation status")
    }

    /// The configuration that the answers come to. Each answer is checked when it is given: a terminal asks again, a file is refused.
    static func text(_ source: inout AnswerSource) throws -> String {
        let links = Links.present
        let name = try source.ask("What is the station called", "Qlink station") { answer in
            answer.utf8.count <= 64 && !answer.contains { $0 == "\"" || $0 == "\\" || $0.isNewline }
                ? nil : "at most 64 bytes, without quotes and backslashes"
        }
        let port = { (answer: String) in
            links.names.contains(answer) ? nil : "the board has \(links.names.joined(separator: ", "))"
        }
        let uplink = try source.ask("Which interface leads to the internet", links.uplink ?? "wan0", port)
        let radio = try Self.radio(&source, links, uplink)
        let rest = links.names.filter { $0 != uplink && $0 != radio?.port }
        let nowhere = "none"
        let wired = try source.ask(
            "Which \(radio == nil ? "" : "wired ")interfaces are clients on (with commas between)",
            rest.isEmpty && radio != nil ? nowhere : rest.joined(separator: ",")
        ) { answer in
            if answer == nowhere { return radio == nil ? "name at least one" : nil }
            let named = Self.list(answer)
            if named.contains(uplink) { return "\(uplink) leads to the internet" }
            return named.isEmpty ? "name at least one" : named.compactMap(port).first
        }
        let clients = wired == nowhere ? [] : Self.list(wired)
        let price = try source.ask("What does a MB cost in QLC (0: free)", "0.01") { answer in
            QLC(answer) == nil ? "write an amount like 0.01" : nil
        }
        let message = try source.ask("What does the portal say to strangers", "Welcome!") { answer in
            answer.utf8.count <= 200 && !answer.contains { $0 == "\"" || $0 == "\\" || $0.isNewline }
                ? nil : "at most 200 bytes, without quotes and backslashes"
        }
        let isFree = QLC(price) == .zero
        return """
            # Written by basestation setup. docs/configuration.md explains every key.
            [station]
            name = "\(name)"

            [network]
            uplink_port = "\(uplink)"\
            \(clients.isEmpty ? "" : "\nclient_ports = [\(clients.map { "\"\($0)\"" }.joined(separator: ", "))]")
            \(radio.map { "\n[wifi]\nport = \"\($0.port)\"\ncountry = \"\($0.country)\"\n" } ?? "")
            [portal]
            message = "\(message)"

            [charging]
            default_tariff = "\(isFree ? "free" : "per-byte")"

            [[tariff]]
            id = "\(isFree ? "free" : "per-byte")"
            name = "\(isFree ? "Free" : "Pay as you go")"
            \(isFree ? "" : "price_per_mb = \"\(price)\"\n")
            """
    }

    /// The port of the station's access point, and whose rules hold there; nil if there is to be none.
    private static func radio(_ source: inout AnswerSource, _ links: Links, _ uplink: String) throws -> (
        port: String, country: String
    )? {
        guard links.hasRadio else { return nil }
        let country = try source.ask("Which country does its Wi-Fi stand in (two letters, none: no Wi-Fi)", "none") { answer in
            answer == "none" || answer.utf8.count == 2 && answer.utf8.allSatisfy { (65...90).contains($0) }
                ? nil : "two capital letters like DE, or none"
        }
        // A radio that leads to the internet can carry an access point beside it.
        return country == "none" ? nil : (links.wireless.first { $0 != uplink } ?? "ap0", country)
    }

    /// With or without blanks after the commas.
    private static func list(_ answer: String) -> [String] { answer.split { $0 == "," || $0 == " " }.map(String.init) }

    private static func lines(of path: String) throws -> [String] {
        try StationConfiguration.text(of: path).split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
    }

    /// Whole or not at all: a power cut leaves the old file or the new one.
    private func write(_ text: String) throws {
        let new = output + ".new"
        let folder = output.lastIndex(of: "/").map { String(output[..<$0]) + "/" } ?? "."
        mkdir(folder, 0o755)  // it is there, or opening says what is wrong
        let fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard fd >= 0 else {
            let isForbidden = errno == EACCES || errno == EPERM || errno == EROFS
            throw Refusal("\(new) cannot be written: \(String(cString: strerror(errno)))", isNotPermitted: isForbidden)
        }
        let bytes = Array(text.utf8)
        let isWritten = Glibc.write(fd, bytes, bytes.count) == bytes.count && fsync(fd) == 0
        close(fd)
        guard isWritten else { throw Refusal("\(new) cannot be written: \(String(cString: strerror(errno)))") }
        if access(output, F_OK) == 0 {
            unlink(output + ".old")  // it may not be there
            guard link(output, output + ".old") == 0 else {
                throw Refusal("\(output).old cannot be made: \(String(cString: strerror(errno)))")
            }
        }
        guard rename(new, output) == 0 else { throw Refusal("\(output) cannot be replaced: \(String(cString: strerror(errno)))") }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)  // if it fails, the new name may be lost with the power: no reason to say it is not written
            close(directory)
        }
    }
}

/// Answers from a terminal, or from lines.
struct AnswerSource {
    var lines: [String]?

    /// - Parameter complaint: what is wrong with an answer, or nil
    mutating func ask(_ question: String, _ usual: String, _ complaint: (String) -> String?) throws -> String {
        while true {
            if lines == nil {
                print("\(question) [\(usual)]? ", terminator: "")
                fflush(nil)
            }
            let given: String
            if lines != nil {
                given = lines!.isEmpty ? "" : lines!.removeFirst()
            } else {
                guard let line = readLine() else { throw Refusal("no answer; nothing was written") }
                given = line
            }
            let answer = given.isEmpty ? usual : given
            guard let complaint = complaint(answer) else { return answer }
            guard lines == nil else { throw Refusal("\(question)? \"\(answer)\": \(complaint)") }
            print("  \(complaint)")
        }
    }
}

/// The board's interfaces, but for loopback and those that only watch a radio.
struct Links {
    var names: [String]
    /// Those of them that are a radio's.
    var wireless: [String]
    var hasRadio: Bool
    /// Where the default route leads.
    var uplink: String?

    static var present: Links {
        var names: [String] = []
        if let all = if_nameindex() {
            defer { if_freenameindex(all) }
            var next = all
            while let name = next.pointee.if_name {
                names.append(String(cString: name))
                next += 1
            }
        }
        names.removeAll { name in
            let type = (try? StationConfiguration.text(of: "/sys/class/net/\(name)/type")) ?? ""
            return name == "lo" || ["801\n", "802\n", "803\n"].contains(type)  // ARPHRD_IEEE80211 and those after it
        }
        let wireless = names.filter { access("/sys/class/net/\($0)/phy80211", F_OK) == 0 }.sorted()
        let hasRadio = !wireless.isEmpty || access("/sys/class/ieee80211/phy0", F_OK) == 0
        return Links(names: names.sorted(), wireless: wireless, hasRadio: hasRadio, uplink: defaultRoute)
    }

    /// `/proc/net/route`: interface, destination, gateway, …; the default route has destination 0.
    private static var defaultRoute: String? {
        guard let text = try? StationConfiguration.text(of: "/proc/net/route") else { return nil }
        let routes = text.split(separator: "\n").dropFirst().map { $0.split(separator: "\t") }
        return routes.first { $0.count > 2 && $0[1] == "00000000" }.map { String($0[0]) }
    }
}

/// Something was asked for that cannot be done; exit code 1, or 4 when somebody else might.
struct Refusal: Error, CustomStringConvertible {
    var description: String
    var isNotPermitted: Bool
    init(_ description: String, isNotPermitted: Bool = false) {
        (self.description, self.isNotPermitted) = (description, isNotPermitted)
    }
}
