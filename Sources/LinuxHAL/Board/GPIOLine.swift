import CGPIO
import Glibc
import HAL

/// A GPIO line as the owner names it: `status-led`, an offset such as `17`, and with `!` before it one that is on when low.
struct LineName: Hashable, Sendable {
    var name: String
    var isActiveLow: Bool

    init(_ text: String) {
        isActiveLow = text.hasPrefix("!")
        name = isActiveLow ? String(text.dropFirst()) : text
    }
}

/// A line that is ours alone until this value goes.
struct GPIOLine: ~Copyable {
    private let line: OpaquePointer
    private let what: String

    /// Takes the line; an output is `value` from its first moment on.
    init(chip: String, _ name: LineName, output value: Bool) throws(HALError) {
        try self.init(chip: chip, name, use: CGPIO_OUTPUT, value: value)
    }

    /// Takes the line as an input that tells of its edges.
    init(button name: LineName, chip: String) throws(HALError) {
        try self.init(chip: chip, name, use: CGPIO_BUTTON, value: false)
    }

    private init(chip: String, _ name: LineName, use: cgpio_use, value: Bool) throws(HALError) {
        // Stored at the end, with the line: Swift 6.2 cannot take one apart that is half made.
        let what = "the GPIO line \(name.name) of \(chip)"
        var taken: OpaquePointer?
        let result = cgpio_take(chip, name.name, "basestation", use, name.isActiveLow, value, &taken)
        guard result == 0, let taken else { throw Self.failure(result, chip: chip, what) }
        (line, self.what) = (taken, what)
    }

    deinit { cgpio_release(line) }

    func set(_ value: Bool) throws(HALError) {
        let result = cgpio_set(line, value)
        guard result == 0 else { throw Self.failure(result, chip: "", what) }
    }

    func isOn() throws(HALError) -> Bool {
        let result = cgpio_get(line)
        guard result >= 0 else { throw Self.failure(result, chip: "", what) }
        return result == 1
    }

    /// Readable when an edge waits.
    var descriptor: Int32 { cgpio_descriptor(line) }

    /// The next edge and its time on CLOCK_MONOTONIC. Waits for it.
    func nextEdge() throws(HALError) -> (isOn: Bool, monotonic: Int64) {
        var time: Int64 = 0
        let result = cgpio_edge(line, &time)
        guard result >= 0 else { throw Self.failure(result, chip: "", what) }
        return (result == 1, time)
    }

    private static func failure(_ result: Int32, chip: String, _ what: String) -> HALError {
        switch -result {
        case ENODEV where !chip.isEmpty:
            HALError(.missing, "there is no GPIO chip labelled \(chip)", mend: "see gpiodetect, and board.gpio_chip")
        case ENOENT, ENODEV: HALError(.missing, "\(what) is not there", mend: "see gpioinfo, and the lines in [board]")
        case EBUSY: HALError(.busy, "somebody else has \(what)", mend: "see gpioinfo for who, and free it")
        case EPERM, EACCES:
            HALError(.notPermitted, "\(what) may not be used", mend: "run as root, or in the group of /dev/gpiochip*")
        default: HALError(.broken, "\(what): \(String(cString: strerror(-result)))", mend: "see dmesg")
        }
    }
}
