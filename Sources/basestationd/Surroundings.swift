import Charging
import Glibc
import Logging
import Primitives
import ServiceLifecycle
import Station
import StationConfiguration
import Store
import Synchronization
import UnixSignals

/// The configuration file, and what of it is in force: prices change while the daemon runs, all else at its next start.
final class ConfigurationFile: Sendable {
    private let path: String
    private let environment: [String: String]
    private let current = Mutex<(text: String, inForce: StationConfiguration)>(("", StationConfiguration()))

    init(path: String, environment: [String: String]) {
        self.path = path
        self.environment = environment
    }

    /// As it was last read.
    var text: String { current.withLock { $0.text } }

    func start() throws -> StationConfiguration {
        let (text, configuration) = try read()
        current.withLock { $0 = (text, configuration) }
        return configuration
    }

    /// - Returns: what changes, and what waits for a restart.
    func reload(_ takeTariffs: ([Tariff]) async throws -> Void) async throws -> [String] {
        let (text, changed) = try read()
        try await takeTariffs(changed.tariffs)
        return current.withLock { current in
            let changes = changed.diff(from: current.inForce)
            current.text = text
            current.inForce.tariffs = changed.tariffs
            return changes
        }
    }

    /// What `text` would change if it were the file.
    func changes(by text: String) throws -> [String] {
        let configuration = try StationConfiguration(text: text, file: "the file", environment: environment)
        return current.withLock { configuration.diff(from: $0.inForce) }
    }

    private func read() throws -> (String, StationConfiguration) {
        let text = try StationConfiguration.text(of: path)
        return (text, try StationConfiguration(text: text, file: path, environment: environment))
    }
}

enum Environment {
    static var all: [String: String] {
        var all: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { all[String(parts[0])] = String(parts[1]) }
            next += 1
        }
        return all
    }
}

enum Directories {
    static func make(_ path: String, mode: mode_t) throws {
        umask(0o022)
        if let parent = path.lastIndex(of: "/"), parent > path.startIndex, access(String(path[..<parent]), F_OK) != 0 {
            try make(String(path[..<parent]), mode: 0o755)
        }
        guard mkdir(path, mode) == 0 || errno == EEXIST else {
            throw StorageError(
                .notPermitted, "\(path) cannot be made: \(String(cString: strerror(errno))); make it, owned by the daemon's user")
        }
    }

    /// Where this program is.
    static var ownFolder: String {
        guard let own = realpath("/proc/self/exe", nil) else { return "." }
        defer { free(own) }
        let path = String(cString: own)
        return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// A text file of at most 1 MiB.
    static func read(_ path: String) throws -> String {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else {
            throw StorageError(
                .other, "\(path) cannot be read: \(String(cString: strerror(errno))); name another with --config or --rules")
        }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(fd, $0.baseAddress! + length, $0.count - length) }
            guard count > 0 else { break }
            length += count
        }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }
}

enum Log {
    /// journald keeps the time: lines are level and text.
    static func bootstrap(level: String) -> Logger {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "basestationd")
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        return logger
    }
}

/// Tells the engine, once at start, the channels that are in the book but had not reached it.
struct BookReplay: Service {
    let events: [ChannelEvent]
    let known: Set<ChannelID>
    let cashier: Cashier

    func run() async throws {
        for event in events {
            switch event {
            case .opened(let channel) where !known.contains(channel.id): _ = try await cashier.submit(.channel(event))
            case .opened: continue
            case .toppedUp(let id, let deposit):
                let held = await cashier.read { $0.channels[id]?.channel.deposit ?? .zero }
                if held < deposit { _ = try await cashier.submit(.channel(event)) }
            case .closed(let id):
                if await cashier.read({ $0.channels[id]?.isClosed == false }) { _ = try await cashier.submit(.channel(event)) }
            }
        }
        try? await gracefulShutdown()  // a service that returns would end the others
    }
}

/// Reads the configuration anew when SIGHUP comes, as `basestation config apply` does.
struct HangupReload: Service {
    let reload: @Sendable () async throws -> [String]
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                let changes = try await reload()
                logger.notice(
                    "configuration read anew: \(changes.isEmpty ? "nothing has changed" : changes.joined(separator: "; "))")
            } catch { logger.error("the configuration stays as it was: \(error)") }
        }
    }
}

/// The channel book that the store keeps.
struct StoredBook: ChannelRegister {
    let store: StationStore
    func append(_ event: ChannelEvent) async throws(StorageError) { try await store.append(event) }
}

extension StationSettings {
    init(_ configuration: StationConfiguration) {
        self.init()
        name = configuration.name
        hal = configuration.hal.rawValue
        portalMessage = configuration.portalMessage
        sharing = configuration.sharing
        clientPorts = configuration.allClientPorts
        wirelessPorts = configuration.wirelessPorts
        ssid = configuration.wirelessPorts.isEmpty ? nil : configuration.networkName
        powerCeiling = configuration.wifiPower
        uplinkPort = configuration.uplinkPort
        tariffs = configuration.tariffs
        defaultTariffID = configuration.defaultTariff
        sampleInterval = configuration.sampleInterval
        commitInterval = configuration.commitInterval
        portalPort = configuration.portalPort
        controlSocket = configuration.runtimeDirectory + "/control.sock"
        controlGroup = configuration.controlGroup
        codeAttemptsPerMinute = configuration.codeAttemptsPerMinute
    }
}
