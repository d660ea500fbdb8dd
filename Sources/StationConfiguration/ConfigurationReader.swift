import Charging
import Primitives

/// Takes the declared keys out of a document, and collects everything that is wrong with it.
struct ConfigurationReader {
    private let document: TOMLDocument
    private let file: String
    private let environment: [String: String]
    private var problems: [ConfigurationError.Problem] = []

    /// A fleet's table of prices has a dozen; this bounds what one file can make the station hold.
    static let tariffLimit = 64

    init(_ document: TOMLDocument, file: String, environment: [String: String]) {
        self.document = document
        self.file = file
        self.environment = environment
    }

    func finish() throws(ConfigurationError) {
        guard problems.isEmpty else {
            throw ConfigurationError(problems: problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) })
        }
    }

    mutating func complain(at place: TOMLDocument.Place?, _ what: String, _ mend: String) {
        let place = place ?? TOMLDocument.Place(line: 1, column: 1)
        problems.append(.init(file: file, line: place.line, column: place.column, what: what, mend: mend))
    }

    /// Where a key of a section is written; nil if it is not there.
    func place(_ section: String, _ key: String) -> TOMLDocument.Place? {
        child(section, of: 0).flatMap { child(key, of: $0) }.map { document[$0].place }
    }

    // MARK: the whole file

    /// Fills `configuration`; the tariffs come with their places, for whoever checks them against each other.
    mutating func read(_ configuration: inout StationConfiguration) -> [TOMLDocument.Place] {
        let names = Section.all.map(\.name) + ["tariff"]
        for (_, value) in document.contents(of: 0) where !names.contains(value.key) { unknown(value, in: nil, among: names) }
        for section in Section.all {
            if let number = table(section.name) {
                read(section.keys, of: number, named: section.name, into: &configuration)
            }
            override(section, &configuration)
        }
        var places: [TOMLDocument.Place] = []
        for number in tables("tariff", of: 0, named: "tariff", limit: Self.tariffLimit) {
            configuration.tariffs.append(tariff(number))
            places.append(child("id", of: number).map { document[$0].place } ?? document[number].place)
        }
        return places
    }

    private mutating func tariff(_ number: Int) -> Tariff {
        var draft = TariffDraft()
        read(TariffDraft.keys, of: number, named: "tariff", tables: ["window"], into: &draft)
        report(draft.contradictions, of: number)
        var tariff = draft.result
        for window in tables("window", of: number, named: "tariff.window", limit: Tariff.windowLimit) {
            var draft = WindowDraft()
            read(WindowDraft.keys, of: window, named: "tariff.window", into: &draft)
            report(draft.contradictions, of: window)
            tariff.windows.append(draft.result)
        }
        return tariff
    }

    private mutating func report(_ contradictions: [(key: String, what: String, mend: String)], of table: Int) {
        for found in contradictions {
            complain(at: document[child(found.key, of: table) ?? table].place, found.what, found.mend)
        }
    }

    // MARK: one table

    private func child(_ key: String, of table: Int) -> Int? {
        document.contents(of: table).first { $0.value.key == key && document[table].kind == .table }?.number
    }

    private mutating func table(_ name: String) -> Int? {
        guard let number = child(name, of: 0) else { return nil }
        guard document[number].kind == .table else {
            complain(
                at: document[number].place, "\"\(name)\" is a section", "write [\(name)] on a line of its own, its keys below")
            return nil
        }
        return number
    }

    private mutating func tables(_ key: String, of table: Int, named name: String, limit: Int) -> [Int] {
        guard let number = child(key, of: table) else { return [] }
        let contents = document.contents(of: number)
        guard document[number].kind == .array, contents.allSatisfy({ $0.value.kind == .table }) else {
            complain(at: document[number].place, "there can be several of \"\(name)\"", "write [[\(name)]] with double brackets")
            return []
        }
        if contents.count > limit {
            complain(at: contents[limit].value.place, "there are \(contents.count) of [[\(name)]]", "keep \(limit) at most")
        }
        return contents.prefix(limit).map(\.number)
    }

    private mutating func read<Target>(
        _ keys: [Key<Target>], of table: Int, named section: String, tables: [String] = [], into target: inout Target
    ) {
        for (number, value) in document.contents(of: table) where !tables.contains(value.key) {
            guard let key = keys.first(where: { $0.name == value.key }) else {
                unknown(value, in: section, among: keys.map(\.name) + tables)
                continue
            }
            let written = written(number)
            if !key.take(written, &target) {
                complain(
                    at: value.place, "\(section).\(key.name) cannot be \(written.shown): it is \(key.words)", mend(key, written))
            }
        }
    }

    private mutating func override(_ section: Section, _ configuration: inout StationConfiguration) {
        let prefix = "BASESTATION_" + section.name.uppercased() + "_"
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
            let wanted = name.dropFirst(prefix.count).lowercased()
            let problem: (String, String)
            if let key = section.keys.first(where: { $0.name == wanted }) {
                let written = Written.variable(text)
                if key.take(written, &configuration) { continue }
                problem = ("\(section.name).\(key.name) cannot be \(written.shown): it is \(key.words)", mend(key, written))
            } else {
                let near = nearest(to: wanted, among: section.keys.map(\.name)).map { prefix + $0.uppercased() }
                problem = ("[\(section.name)] has no key \"\(wanted)\"", near.map { "did you mean \($0)?" } ?? "unset it")
            }
            problems.append(.init(file: "environment variable \(name)", line: 0, column: 0, what: problem.0, mend: problem.1))
        }
    }

    private func mend<Target>(_ key: Key<Target>, _ written: Written) -> String {
        if let text = written.text, let near = nearest(to: text, among: key.choices) { return "did you mean \"\(near)\"?" }
        if case .variable = written { return "set it to something like \(key.example)" }
        return "write it like \(key.name) = \(key.example)"
    }

    private mutating func unknown(_ value: TOMLDocument.Value, in section: String?, among names: [String]) {
        let key = TOMLText.quoted(value.key.prefix(60))
        let what = section.map { "[\($0)] has no key \(key)" } ?? "there is no section \(key)"
        let home =
            section == nil ? Section.all.first { $0.keys.contains { $0.name == value.key } }?.name : Self.home(of: value.key)
        if let near = nearest(to: value.key, among: names) {
            complain(at: value.place, what, "did you mean \"\(near)\"?")
        } else if let home {
            complain(at: value.place, what, "it belongs below [\(home)]")
        } else {
            complain(at: value.place, what, "there are: \(names.joined(separator: ", "))")
        }
    }

    private static func home(of key: String) -> String? {
        if let section = Section.all.first(where: { $0.keys.contains { $0.name == key } }) { return section.name }
        if TariffDraft.keys.contains(where: { $0.name == key }) { return "[tariff]" }
        return WindowDraft.keys.contains { $0.name == key } ? "[tariff.window]" : nil
    }

    private func written(_ number: Int) -> Written {
        let value = document[number]
        switch value.kind {
        case .string: return .text(value.text)
        case .integer: return .integer(value.integer)
        case .boolean: return .boolean(value.integer != 0)
        case .array:
            let items = document.contents(of: number).map(\.value)
            return items.allSatisfy { $0.kind == .string } ? .list(items.map(\.text)) : .other("this list")
        case .float: return .other("a number with a decimal point")
        case .table: return .other("a table")
        case .time: return .other("a date or time without quotes")
        }
    }
}
