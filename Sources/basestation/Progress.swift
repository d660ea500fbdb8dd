import Glibc

/// How far long work is: a line that is written over on a terminal, a line every ten per cent in a pipe.
final class Progress {
    private let isShown: Bool
    private let isTerminal = isatty(2) == 1
    private let begun = ContinuousClock.now
    private var told = -1

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ done: UInt64, from first: UInt64, to last: UInt64, of what: String) {
        guard isShown, last >= first, done >= first else { return }
        let percent = Int((done - first + 1) * 100 / (last - first + 1))
        guard isTerminal ? percent != told : percent / 10 != told / 10 || told < 0 else { return }
        told = percent
        let left = percent == 0 ? "" : ", \(Screen.duration(remaining(percent))) left"
        write("\(what): \(done) of \(last), \(percent) %\(percent == 100 ? "" : left)", ending: isTerminal ? "\u{1b}[K\r" : "\n")
    }

    /// Shows that something is waited for: a line that changes on a terminal, one every ten seconds in a pipe.
    func wait(for what: String, _ seconds: Int) {
        guard isShown, isTerminal ? seconds != told : seconds / 10 != told / 10 else { return }
        told = seconds
        write("waiting for \(what), \(seconds) s", ending: isTerminal ? "\u{1b}[K\r" : "\n")
    }

    /// Takes the line away.
    func end() { if isShown, isTerminal, told >= 0 { write("", ending: "\u{1b}[K\r") } }

    private func remaining(_ percent: Int) -> UInt64 {
        UInt64((ContinuousClock.now - begun).components.seconds) * UInt64(100 - percent) / UInt64(percent)
    }

    private func write(_ line: String, ending: String) {
        let bytes = Array((line + ending).utf8)
        _ = Glibc.write(2, bytes, bytes.count)
    }
}
