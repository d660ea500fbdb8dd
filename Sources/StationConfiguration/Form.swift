import Primitives

/// What somebody wrote for a key.
enum Written {
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case list([String])
    /// From the environment, where all is text.
    case variable(String)
    /// A kind of value that no key has.
    case other(String)

    var text: String? {
        switch self {
        case .text(let text), .variable(let text): text
        default: nil
        }
    }

    var integer: Int64? {
        switch self {
        case .integer(let integer): integer
        case .variable(let text): Int64(text)
        default: nil
        }
    }

    var boolean: Bool? {
        switch self {
        case .boolean(let boolean): boolean
        case .variable(let text): Bool(text)
        default: nil
        }
    }

    var list: [String]? {
        switch self {
        case .list(let list): list
        case .variable(let text): text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        default: nil
        }
    }

    /// As it is written in TOML, in short.
    var shown: String {
        switch self {
        case .text(let text), .variable(let text): TOMLText.quoted(text.count > 40 ? text.prefix(40) + "…" : text)
        case .integer(let integer): "\(integer)"
        case .boolean(let boolean): "\(boolean)"
        case .list(let list): TOMLText.list(Array(list.prefix(5)))
        case .other(let words): words
        }
    }
}

/// How a type of value is written: from text to value, and back.
struct Form<Value: Sendable>: Sendable {
    /// After "it is": `a time from 50ms to 10s`.
    var words: String
    /// If there are only so many.
    var choices: [String] = []
    var read: @Sendable (Written) -> Value?
    var show: @Sendable (Value) -> String
}

extension Form where Value == String {
    static func text(_ length: ClosedRange<Int>) -> Form {
        let words = length.lowerBound == 0 ? "at most \(length.upperBound)" : "\(length.lowerBound) to \(length.upperBound)"
        return Form(words: "text of \(words) bytes without control characters") {
            $0.text.flatMap { length.contains($0.utf8.count) && isPlain($0) ? $0 : nil }
        } show: {
            TOMLText.quoted($0)
        }
    }

    static func word(_ choices: [String]) -> Form {
        Form(words: "one of \(choices.joined(separator: ", "))", choices: choices) {
            $0.text.flatMap { choices.contains($0) ? $0 : nil }
        } show: {
            TOMLText.quoted($0)
        }
    }

    /// The runtime directory holds a Unix socket, whose whole path may have 107 bytes (unix(7)).
    static let directory = Form(words: "an absolute path of at most 90 bytes") {
        $0.text.flatMap { $0.hasPrefix("/") && $0.utf8.count <= 90 && isPlain($0) ? $0 : nil }
    } show: {
        TOMLText.quoted($0)
    }

    /// IFNAMSIZ in linux/if.h is 16 with the final NUL; the kernel's dev_valid_name refuses the rest.
    static let port = Form(words: "the name of a network interface, 1 to 15 letters, digits, - _ or .") {
        $0.text.flatMap { isPort($0) ? $0 : nil }
    } show: {
        TOMLText.quoted($0)
    }

    /// ISO 3166-1 alpha-2.
    static let country = Form(words: "two capital letters, those of a country") {
        $0.text.flatMap { $0.utf8.count == 2 && $0.utf8.allSatisfy { (65...90).contains($0) } ? $0 : nil }
    } show: {
        TOMLText.quoted($0)
    }

    /// Two numbers of an IPv4 address for private use (RFC 1918).
    static let prefix = Form(words: "10.0 to 10.255, 172.16 to 172.31 or 192.168") {
        $0.text.flatMap { text in
            let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
            guard numbers.count == 2, let first = numbers[0], let second = numbers[1], text == "\(first).\(second)" else {
                return nil
            }
            return first == 10 || first == 172 && (16...31).contains(second) || first == 192 && second == 168 ? text : nil
        }
    } show: {
        TOMLText.quoted($0)
    }

    /// The kernel keeps 31 bytes of a line's name in its answers (GPIO_MAX_NAME_SIZE in linux/gpio.h).
    static let line = Form(words: "the name or the offset of a GPIO line, at most 31 bytes, with ! before it if on is low") {
        $0.text.flatMap { (0...32).contains($0.utf8.count) && $0 != "!" && isPlain($0) ? $0 : nil }
    } show: {
        TOMLText.quoted($0)
    }

    static let endpoint = Form(words: "an IP address and a port, as 127.0.0.1:2947 or [::1]:2947") {
        $0.text.flatMap { $0.isEmpty || Endpoint($0) != nil ? $0 : nil }
    } show: {
        TOMLText.quoted($0)
    }

    static func identifier(limit: Int) -> Form {
        Form(words: "1 to \(limit) of a-z, 0-9 and -") {
            $0.text.flatMap { text in
                (1...limit).contains(text.utf8.count)
                    && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 } ? text : nil
            }
        } show: {
            TOMLText.quoted($0)
        }
    }
}

extension Form where Value == [String] {
    static func ports(_ count: ClosedRange<Int>) -> Form {
        Form(words: "\(count.lowerBound) to \(count.upperBound) names of network interfaces, each once") {
            $0.list.flatMap { count.contains($0.count) && $0.allSatisfy(isPort) && Set($0).count == $0.count ? $0 : nil }
        } show: {
            TOMLText.list($0)
        }
    }
}

extension Form where Value == [String] {
    /// `host:port`, with the node's key before it if only that one is meant.
    static func peers(_ count: ClosedRange<Int>) -> Form {
        Form(words: "at most \(count.upperBound) nodes, as host:port, [2001:db8::1]:port or KEY@host:port") {
            $0.list.flatMap { count.contains($0.count) && $0.allSatisfy(isPeer) ? $0 : nil }
        } show: {
            TOMLText.list($0)
        }
    }
}

extension Form where Value: RawRepresentable<String> & CaseIterable {
    static var choice: Form {
        let form = Form<String>.word(Value.allCases.map(\.rawValue))
        return Form(words: form.words, choices: form.choices) {
            form.read($0).flatMap(Value.init)
        } show: {
            form.show($0.rawValue)
        }
    }
}

extension Form where Value == Bool {
    static let flag = Form(words: "true or false", read: \.boolean) { "\($0)" }
}

extension Form where Value: FixedWidthInteger {
    static func number(_ range: ClosedRange<Value>) -> Form {
        Form(words: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            $0.integer.flatMap(Value.init(exactly:)).flatMap { range.contains($0) ? $0 : nil }
        } show: {
            "\($0)"
        }
    }
}

extension Form where Value == Nanoseconds {
    static func time(_ range: ClosedRange<Nanoseconds>) -> Form {
        let (least, most) = (TOMLText.time(range.lowerBound), TOMLText.time(range.upperBound))
        return Form(words: "a time from \(least) to \(most), in ms, s, m, h or d") {
            $0.text.flatMap(Nanoseconds.init).flatMap { range.contains($0) ? $0 : nil }
        } show: {
            TOMLText.quoted(TOMLText.time($0))
        }
    }
}

extension Form where Value == UInt64 {
    /// A time that is kept in whole seconds.
    static func seconds(_ range: ClosedRange<UInt64>) -> Form {
        let (least, most) = (Nanoseconds.seconds(range.lowerBound), Nanoseconds.seconds(range.upperBound))
        return Form(words: "a time from \(TOMLText.time(least)) to \(TOMLText.time(most)) in whole seconds, with s, m, h or d") {
            guard let time = $0.text.flatMap(Nanoseconds.init), time.count % 1_000_000_000 == 0 else { return nil }
            return range.contains(time.wholeSeconds) ? time.wholeSeconds : nil
        } show: {
            TOMLText.quoted(TOMLText.time(.seconds($0)))
        }
    }

    static let data = Form(words: "an amount of data above zero, in B, kB, MB, GB or TB (decimal) or KiB, MiB, GiB, TiB") {
        $0.text.flatMap { ByteCount($0)?.bytes }.flatMap { $0 > 0 ? $0 : nil }
    } show: {
        TOMLText.quoted(TOMLText.data($0))
    }
}

extension Form where Value == QLC {
    static let money = Form(words: "an amount of QLC above zero, in quotes, with eight decimals at most") {
        $0.text.flatMap(QLC.init).flatMap { $0 > .zero ? $0 : nil }
    } show: {
        TOMLText.quoted(TOMLText.money($0))
    }
}

/// No control characters: names go into logs, pages and terminals.
private func isPlain(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } }

/// Roughly: whoever calls it knows better.
private func isPeer(_ text: String) -> Bool {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return false }
    let host = text[..<colon].split(separator: "@", omittingEmptySubsequences: false)
    return port > 0 && host.count <= 2 && (1...253).contains(host.last?.utf8.count ?? 0) && isPlain(text)
        && (host.count == 1 || PublicKey(String(host[0])) != nil)
}

private func isPort(_ text: String) -> Bool {
    (1...15).contains(text.utf8.count) && text != "." && text != ".."
        && text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
}
