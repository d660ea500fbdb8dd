import Glibc
import KeyCustody
import Synchronization

/// Shows that something is waited for: one line that changes on a terminal, a line now and then in a pipe.
enum Progress {
    private static let shown = Atomic(-1)

    /// Once a second at most, however often it is called.
    static func show(_ what: String, _ seconds: Int) {
        guard shown.exchange(seconds, ordering: .relaxed) != seconds else { return }
        if isatty(2) == 1 {
            Terminal.say("\r\u{1b}[Kwaiting for \(what), \(seconds) s")
        } else if seconds > 0, seconds.isMultiple(of: 10) {
            Terminal.say("waiting for \(what), \(seconds) s\n")
        }
    }

    static func end() { if isatty(2) == 1 { Terminal.say("\r\u{1b}[K") } }
}
