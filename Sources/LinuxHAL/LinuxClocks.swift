import CLinux
import Glibc
public import HAL
public import Primitives

/// The kernel's clocks.
public struct LinuxClocks: Clocks {
    public let bootID: String

    public init() {
        var buffer = [UInt8](repeating: 0, count: 64)
        let fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        let length = fd < 0 ? 0 : max(0, read(fd, &buffer, buffer.count))
        if fd >= 0 { close(fd) }
        bootID = String(decoding: buffer[..<length].prefix { $0 > 32 }, as: UTF8.self)
    }

    public func now() -> Moment {
        Moment(
            boot: Instant(nanoseconds: clinux_boot_nanoseconds()), wall: WallTime(secondsSince1970: clinux_wall_seconds()))
    }

    public func sleep(_ interval: Nanoseconds) async throws { try await Task.sleep(for: interval.duration) }
}
