import Charging
import Foundation
import Primitives
import Store

let stationKey = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!

/// A directory of one test's own, gone with it.
final class Scratch: Sendable {
    let path: String
    /// - Parameter inMemory: where an fsync costs nothing, for thousands of them.
    init(inMemory: Bool = false) {
        let temporary = FileManager.default.temporaryDirectory
        let isThere = FileManager.default.fileExists(atPath: "/dev/shm")
        let folder = inMemory && isThere ? URL(fileURLWithPath: "/dev/shm") : temporary
        path = folder.appendingPathComponent("store-\(UUID().uuidString)").path
        mkdir(path, 0o700)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var database: String { path + "/station.db" }
    var log: String { path + "/station.db-wal" }
    func open() throws -> StationStore { try StationStore(directory: path, key: stationKey) }
}

func channelID(_ number: UInt64) -> ChannelID { TaggedHash.digest(tag: "test", "\(number)".utf8) }

func channel(_ number: UInt64 = 1) -> Channel {
    Channel(
        id: channelID(number), payer: stationKey.publicKey, payee: stationKey.publicKey, sessionKey: stationKey.publicKey,
        deposit: QLC("100")!, openedAt: WallTime(secondsSince1970: 1_800_000_000))
}

func account(_ number: UInt64 = 1, sequence: UInt64) -> ChannelAccount {
    var account = ChannelAccount(channel: channel(number))
    account.voucher = voucher(number, sequence: sequence)
    return account
}

func voucher(_ number: UInt64 = 1, sequence: UInt64) -> Signed<Voucher> {
    Signed(
        Voucher(
            channel: channelID(number), cumulativeAmount: QLC(units: sequence * 100), cumulativeBytes: sequence,
            sequence: sequence),
        by: stationKey)
}

func session(_ number: UInt64, mark: UInt32 = 1) -> Session {
    var session = Session(
        id: SessionID(UInt128(number)), port: "lan0", mac: MACAddress(value: 0x02_0000_0000 + number),
        addresses: [IPAddress("10.77.0.9")!, IPAddress("fd77::9")!], funding: .channel(channelID(number)),
        buyer: stationKey.publicKey,
        tariff: Tariff(
            id: "night", name: "Näht \"☾\"", rates: Rates(second: Price(QLC(units: 3), per: 60)),
            windows: [TimeWindow(startMinute: 60, endMinute: 30, rates: Rates())],
            package: Package(price: QLC(units: 9), bytes: 1)),
        mark: mark, at: Moment(boot: Instant(nanoseconds: 5), wall: WallTime(secondsSince1970: 1_800_000_000)))
    session.usage.add(bytesUp: number, bytesDown: .max / 4, time: .seconds(3), in: Usage.Key(day: 3, window: 0))
    session.state = .ending(.idle)
    session.grantedBytes = .max
    return session
}

func record(_ number: UInt64, endedAt: Int64, bytesUp: UInt64 = 1) -> UsageRecord {
    UsageRecord(
        station: stationKey.publicKey, session: SessionID(UInt128(number)), buyer: nil, accessCode: 3, tariffID: "t",
        mac: MACAddress(value: number), startedAt: WallTime(secondsSince1970: endedAt - 10),
        endedAt: WallTime(secondsSince1970: endedAt), seconds: 10, bytesUp: bytesUp, bytesDown: 2, charge: QLC(units: 3),
        paid: QLC(units: 4), voucher: nil, endReason: .left)
}

func code(_ number: UInt32) -> AccessCode {
    AccessCode(
        number: number, digest: channelID(UInt64(number)), allowance: .seconds(60), createdAt: WallTime(secondsSince1970: 1),
        validUntil: nil)
}

/// Runs what follows with a file system of 1 MB at `path`, of which a file `filler` takes a third.
func fullDisk(_ path: String) -> [String] {
    let mount = "mount -t tmpfs -o size=1m none \(path) && head -c 300000 /dev/zero > \(path)/filler && exec \"$@\""
    return ["unshare", "-m", "sh", "-c", mount, "sh"]
}

/// Runs `storewriter`, which stands beside the test binary.
final class Writer {
    let process = Process()
    private let output = Pipe()
    private let input = Pipe()
    private var pending: [UInt8] = []

    init(_ arguments: [String], through wrapper: [String] = []) throws {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let words = wrapper + [folder.appendingPathComponent("storewriter").path] + arguments
        process.executableURL = URL(fileURLWithPath: wrapper.isEmpty ? words[0] : "/usr/bin/env")
        process.arguments = wrapper.isEmpty ? Array(words.dropFirst()) : words
        process.standardOutput = output
        process.standardInput = input
        try process.run()
    }

    /// The next line; nil at the end.
    func line() -> String? {
        while true {
            if let end = pending.firstIndex(of: 10) {
                defer { pending.removeFirst(end + 1) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            pending += more
        }
    }

    func lines() -> [String] {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        process.waitUntilExit()
        return lines
    }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func endInput() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
