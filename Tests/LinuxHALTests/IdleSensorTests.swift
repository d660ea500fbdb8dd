import Foundation
import HAL
import LinuxHAL
import Logging
import Primitives
import Testing

/// What /proc says of idle time, also where it says nonsense.
@Suite struct IdleSensorTests {
    private final class Proc {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("proc-\(UUID().uuidString)")

        init(_ changes: [String: String?] = [:]) throws {
            for (path, text) in Self.good.merging(changes, uniquingKeysWith: { $1 }) {
                guard let text else { continue }
                let file = root.appendingPathComponent(path)
                try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: file, atomically: true, encoding: .utf8)
            }
        }

        deinit { try? FileManager.default.removeItem(at: root) }

        var sensor: LinuxIdleSensor { LinuxIdleSensor(ports: [], uplink: nil, proc: root.path, logger: Logger(label: "test")) }

        static let good: [String: String?] = [
            "stat":
                "cpu  100 20 30 5000 700 1 2 3 90 9\ncpu0 50 10 15 2500 350 0 1 1 0 0\ncpu1 50 10 15 2500 350 1 1 2 0 0\nintr 1\n",
            "meminfo": "MemTotal:        1000000 kB\nMemFree:          10 kB\nMemAvailable:     400000 kB\n",
            "net/softnet_stat": "0000272d 0000000a 00000000 00000000\n0000034d 00000010 00000000 00000000\n",
            "7/stat": "7 (a (b) 1 2) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 1 0 100 0 0\n",
        ]
    }

    @Test func theKernelsFiguresAreRead() async throws {
        let proc = try Proc()
        let activity = try await proc.sensor.activity()
        // 156 ticks of 10 ms; waiting for a disk is idle, and a guest's time is in the user's.
        #expect(activity.busy == .milliseconds(1_560) && activity.cores == 2)
        #expect(activity.memoryTotal.bytes == 1_024_000_000 && activity.memoryAvailable.bytes == 409_600_000)
        #expect(activity.packetsDropped == 26 && activity.clientPackets == 0)
        #expect(try await proc.sensor.processorTime(of: 7) == .seconds(3))
        #expect(try await proc.sensor.processorTime(of: 8) == nil)
    }

    @Test func largeNumbersAreNoTrap() async throws {
        let most = "18446744073709551615"
        let proc = try Proc([
            "stat": "cpu \(Array(repeating: most, count: 10).joined(separator: " "))\n",
            "net/softnet_stat": "0 ffffffffffffffff\n0 ffffffffffffffff\n",
            "7/stat": "7 (x) S 1 7 7 0 -1 0 1 2 3 4 \(most) \(most) 0\n",
        ])
        let activity = try await proc.sensor.activity()
        #expect(activity.busy.count == .max && activity.cores == 1 && activity.packetsDropped == .max)
        #expect(try await proc.sensor.processorTime(of: 7)?.count == .max)
    }

    @Test(arguments: [
        ("stat", ""), ("stat", "cpu0 1 2 3 4 5\n"), ("stat", "cpu 1 2 3\n"), ("stat", "cpu a b c d e f\n"),
        ("stat", "cpu -1 2 3 4 5 6\n"),
        ("stat", "cpu 99999999999999999999 2 3 4 5\n"), ("stat", "\0\0\0"), ("meminfo", ""), ("meminfo", "MemTotal: 5 kB\n"),
        ("meminfo", "MemTotal: 5 kB\nMemAvailable: 6 kB\n"), ("meminfo", "MemTotal: 5 MB\nMemAvailable: 4 MB\n"),
        ("meminfo", "MemTotal: -5 kB\nMemAvailable: 4 kB\n"),
        ("meminfo", "MemTotal: 9999999999999999999 kB\nMemAvailable: 4 kB\n"),
        ("net/softnet_stat", "zz zz\n"), ("net/softnet_stat", "1\n"), ("net/softnet_stat", "1 fffffffffffffffff\n"),
    ])
    func nonsenseIsRefused(file: String, text: String) async throws {
        let proc = try Proc([file: text])
        let error = await #expect(throws: HALError.self) { try await proc.sensor.activity() }
        #expect(error?.kind == .broken && error?.what.contains(String(file.suffix(4))) == true)
    }

    @Test(arguments: ["stat", "meminfo", "net/softnet_stat"])
    func aFileThatIsMissingIsNamed(file: String) async throws {
        let proc = try Proc([file: nil])
        let error = await #expect(throws: HALError.self) { try await proc.sensor.activity() }
        #expect(error?.kind == .missing && error?.what.contains(file) == true)
    }

    @Test(arguments: ["7", "7 (x", "7 (x) S", "7 (x) S 1 7 7 0 -1 0 1 2 3 4 a b\n", "7 (x) S 1 7 7 0 -1 0 1 2 3 4 -1 1 0\n", ")"])
    func aProcessWithoutTimesIsRefused(text: String) async throws {
        let proc = try Proc(["7/stat": text])
        await #expect(throws: HALError.self) { try await proc.sensor.processorTime(of: 7) }
    }
}
