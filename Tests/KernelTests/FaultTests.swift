import Foundation
import Lab
import StationAPI
import Testing

/// What goes wrong on a board: each fault says what failed, on what, and what to do, and no money is lost by it.
@Suite(.enabled(if: Namespace.isAvailable, "needs root and network namespaces"), .serialized)
struct FaultTests {
    static let free = "[[tariff]]\nid = \"free\"\n"

    /// Starts the daemon, which is expected to end by itself.
    private func failing(
        _ station: LabStation, through wrapper: [String] = [], environment: [String: String] = [:]
    ) async throws -> Output {
        let command = [try Products.url("basestationd").path, "--config", station.configurationPath, "--rules", Products.rules]
        return try await station.lab.router.start(wrapper + command, environment: environment).wait(timeout: .seconds(20))
    }

    private func withStation(_ body: (LabStation) async throws -> Void) async throws {
        try await withTopology(Plan(clients: [.dual])) { lab in
            let station = try LabStation(lab, configuration: Self.free)
            defer { station.close() }
            try await body(station)
        }
    }

    /// A command in a mount namespace of its own, after `script`.
    private func mounting(_ script: String) -> [String] { ["unshare", "-m", "sh", "-c", script + " && exec \"$@\"", "sh"] }

    @Test func nftablesMissing() async throws {
        try await withStation { station in
            let end = try await failing(station, through: mounting("mount -t tmpfs none /usr/sbin"))
            #expect(end.status == 1)
            #expect(end.stderr.contains("nft") && end.stderr.contains("apt-get install nftables"), "\(end.stderr)")
        }
    }

    @Test func noPrivilege() async throws {
        try await withStation { station in
            let copy = station.directory + "/bin"
            try station.lab.router.run(["mkdir", "-p", copy, station.directory + "/state", station.directory + "/run"])
            try station.lab.router.run(["cp", Products.url("basestationd").path, Products.rules, copy])
            try station.lab.router.run(["chown", "-R", "65534:65534", station.directory])
            let end = try await station.lab.router.start([
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy + "/basestationd", "--config",
                station.configurationPath, "--rules", copy + "/gate.nft",
            ]).wait(timeout: .seconds(20))
            #expect(end.status == 4)
            #expect(end.stderr.contains("CAP_NET_ADMIN") && end.stderr.contains("AmbientCapabilities"), "\(end.stderr)")
        }
    }

    @Test func interfaceAbsent() async throws {
        try await withStation { station in
            let end = try await failing(station, environment: ["BASESTATION_NETWORK_CLIENT_PORTS": "nolan"])
            #expect(end.status == 1)
            #expect(
                end.stderr.contains("nolan") && end.stderr.contains("the board has") && end.stderr.contains("lan0"),
                "\(end.stderr)")
        }
    }

    /// The second daemon goes, and has not touched what the first one serves.
    @Test(arguments: [
        (["STATION_STATE_DIRECTORY": "/second"], "another basestationd answers"),
        (["STATION_RUNTIME_DIRECTORY": "/second"], "is in use by another basestationd"),
        (["STATION_STATE_DIRECTORY": "/second", "STATION_RUNTIME_DIRECTORY": "/other"], "port 2050 is taken"),
    ]) func anotherDaemonIsThere(_ changed: [String: String], _ words: String) async throws {
        try await withStation { station in
            let first = try station.start()
            let environment = Dictionary(
                uniqueKeysWithValues: changed.map { ("BASESTATION_\($0.key)", station.directory + $0.value) })
            let end = try await failing(station, environment: environment)
            #expect(end.status == 1)
            #expect(end.stderr.contains(words), "\(end.stderr)")
            #expect(first.isRunning)
            #expect(try station.ask("status", "--json").contains("\"sharing\""))
        }
    }

    @Test func databaseCorrupt() async throws {
        try await withStation { station in
            let first = try station.start()
            let buyer = try station.makeWallet(0)
            let opened = try station.ask("channel", "open", "--buyer", buyer, "--deposit", "3", "--json")
            first.signal(SIGTERM)
            #expect(try await first.wait(timeout: .seconds(90)).status == 0)
            let (database, backup) = (station.directory + "/state/station.db", station.directory + "/backup.db")
            try station.lab.router.run(["cp", database, backup])
            try station.lab.router.run(["dd", "if=/dev/urandom", "of=" + database, "bs=4096", "count=1", "conv=notrunc"])
            let end = try await failing(station)
            #expect(end.status == 1)
            #expect(end.stderr.contains("station.db") && end.stderr.contains("restore the last backup"), "\(end.stderr)")
            try station.lab.router.run(["truncate", "-s", "0", database])
            let empty = try await failing(station)
            #expect(empty.status == 1 && empty.stderr.contains("is empty, and once was not"), "\(empty.stderr)")
            try station.lab.router.run(["cp", backup, database])
            _ = try station.start()
            let id = try JSON.decode(ChannelView.self, from: Data(opened.utf8))
            let all = try JSON.decode([ChannelView].self, from: Data(try station.ask("channel", "list", "--json").utf8))
            #expect(all == [id])
        }
    }

    @Test func diskFullAtTheStart() async throws {
        try await withStation { station in
            try station.lab.router.run(["mkdir", "-p", station.directory + "/state"])
            let end = try await failing(
                station, through: mounting("mount -t tmpfs -o size=64k none \(station.directory)/state"))
            #expect(end.status == 1)
            #expect(end.stderr.contains("free space"), "\(end.stderr)")
        }
    }

    /// Boards without a battery begin in 1970: they serve, say so, and mend it when they know the time.
    @Test func clockIn1970() async throws {
        try await withStation { station in
            let shim = station.directory + "/clock"
            let source = """
                #define _GNU_SOURCE
                #include <time.h>
                #include <unistd.h>
                #include <sys/syscall.h>
                int clock_gettime(clockid_t id, struct timespec *t) {
                    int result = (int)syscall(SYS_clock_gettime, id, t);
                    if (id == CLOCK_REALTIME) t->tv_sec %= 86400;
                    return result;
                }
                """
            try station.lab.router.run(["tee", shim + ".c"], input: source)
            try station.lab.router.run(["cc", "-shared", "-fPIC", "-o", shim + ".so", shim + ".c"])
            let daemon = try station.lab.router.start(
                [try Products.url("basestationd").path, "--config", station.configurationPath, "--rules", Products.rules],
                environment: ["LD_PRELOAD": shim + ".so"])
            try waitUntil("the daemon answers", timeout: .seconds(20)) { (try? station.ask("wallet", "address")) != nil }
            #expect(daemon.isRunning)
            let status = try station.ask("status")
            #expect(status.contains("the clock stands at 1970-01-01") && status.contains("connect to a time"), "\(status)")
            // A code may not end at a time that nobody knows; one without an end is good.
            let refused = try? station.ask("codes", "create", "--data", "1GB", "--valid", "30d")
            #expect(refused == nil)
            #expect(try station.ask("codes", "create", "--data", "1GB").contains("-"))
        }
    }
}
