import CHost
import Charging
import Glibc
import HTTPTypes
import Hummingbird
public import Logging
import NIOCore
import Primitives
public import ServiceLifecycle
import StationAPI

/// The control API on a Unix socket (docs/api.md): root, the daemon's own user, and the owner's group.
public struct ControlServer: Service {
    private let station: Station
    private let logger: Logger

    public init(station: Station, logger: Logger) {
        self.station = station
        self.logger = logger
    }

    public func run() async throws {
        let path = station.settings.controlSocket
        try Self.claim(path)
        let router = Router(context: CallContext.self)
        router.add(middleware: ProblemMiddleware())
        router.add(middleware: PeerMiddleware(group: station.settings.controlGroup))
        routes(router.group("v1"))
        router.get("metrics") { _, _ -> Response in
            Response.text(try await Metrics.text(station), type: "text/plain; version=0.0.4; charset=utf-8")
        }
        let group = station.settings.controlGroup
        let app = Application(
            router: router, configuration: .init(address: .unixDomainSocket(path: path), serverName: nil),
            onServerRunning: { _ in
                // Without the group only root and the daemon get in: that is safe, so it is no failure.
                _ = chost_share(path, group, 0o660)
            }, logger: logger)
        try await app.run()
    }

    /// Makes way for the socket, unless a living daemon answers on it: then the board is that one's, and nothing of it may be touched.
    public static func claim(_ path: String) throws {
        umask(0o077)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Problem(.malformed, "the path of the control socket is too long: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(probe) }
        let answer = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        guard answer != 0 else {
            throw Problem(.conflict, "another basestationd answers on \(path); stop it first: systemctl stop basestationd")
        }
        unlink(path)
    }

    private func routes(_ api: Routes) {
        api.get("status") { _, _ -> Response in try .json(await station.status()) }
        api.get("diagnose") { _, _ -> Response in try .json(await station.diagnose()) }
        api.get("config") { _, _ -> Response in .text(await station.seams.configuration()) }
        api.post("config/diff") { request, _ -> Response in
            guard let changes = station.seams.configurationChanges else {
                throw Problem(.conflict, "there is no configuration file")
            }
            let text = try await request.json(ConfigurationText.self).text
            do { return try .json(await changes(text)) } catch let error as Problem { throw error } catch {
                throw Problem(.malformed, "\(error)")
            }
        }
        api.post("config/reload") { _, _ -> Response in
            guard let reload = station.seams.reload else { throw Problem(.conflict, "there is no configuration file to read") }
            return try .json(await reload())
        }
        sessionRoutes(api)
        clientRoutes(api)
        tariffRoutes(api)
        codeRoutes(api)
        keyRoutes(api)
        radioRoutes(api)
        channelRoutes(api)
        station.chainRoutes(api)
        station.walletRoutes(api)
        station.stakeRoutes(api)
        station.miningRoutes(api)
        station.poolRoutes(api)
        api.post("sim") { request, _ -> Response in
            guard let simulate = station.seams.simulate else {
                throw Problem(.conflict, "this station has real hardware; start it with hal = \"simulated\" to play")
            }
            try await simulate(request.json(SimulationCommand.self))
            return .noContent
        }
    }

    private func sessionRoutes(_ api: Routes) {
        api.get("sessions") { request, _ -> Response in
            let since = try Self.time(request.uri.queryParameters["since"])
            let activeOnly = request.uri.queryParameters["active"] == "true"
            return try .json(await station.sessions(activeOnly: activeOnly, since: since))
        }
        api.delete("sessions/:id") { _, context -> Response in
            _ = try await station.cashier.submit(.end(context.sessionID(), .disconnected))
            return .noContent
        }
        api.get("usage") { request, _ -> Response in
            let since = try Self.time(request.uri.queryParameters["since"]) ?? WallTime(secondsSince1970: 0)
            let last = try request.uri.queryParameters["after"].map { text throws(Problem) in
                guard let id = SessionID(String(text)) else {
                    throw Problem(.malformed, "\"\(text.prefix(40))\" is not a session's 32 hexadecimal digits")
                }
                return id
            }
            return try .json(await station.usage(since: since, after: last))
        }
        api.get("usage/:id") { _, context -> Response in try .json(await station.usage(of: context.sessionID())) }
    }

    private func clientRoutes(_ api: Routes) {
        api.get("clients") { _, _ -> Response in try .json(await station.clients()) }
        api.post("clients/:mac/:verb") { _, context -> Response in
            let mac: MACAddress = try context.parameter("mac", as: "a MAC address like 02:00:00:00:00:11")
            switch context.parameters.get("verb") {
            case "disconnect": try await station.disconnect(mac)
            case "block": try await station.block(mac, true)
            case "allow": try await station.block(mac, false)
            default: throw Problem(.unknown, "a client can be told to disconnect, block or allow")
            }
            return .noContent
        }
    }

    private func tariffRoutes(_ api: Routes) {
        let view = { @Sendable in
            let tariffs = await station.cashier.read { $0.tariffs }
            return TariffsView(defaultTariffId: await station.tariff(nil)?.id ?? "", tariffs: tariffs)
        }
        api.get("tariffs") { _, _ -> Response in try .json(await view()) }
        api.put("tariffs/default") { request, _ -> Response in
            let id = try await request.json(DefaultTariffRequest.self).tariffId
            guard await station.tariff(id) != nil else { throw ChargingError.tariffUnknown(id) }
            await station.cashier.setDefaultTariff(id)
            return try .json(await view())
        }
    }

    private func codeRoutes(_ api: Routes) {
        api.get("codes") { _, _ -> Response in try .json(await station.listCodes()) }
        api.post("codes") { request, _ -> Response in
            try .json(await station.createCodes(request.json(CodesRequest.self)), status: .created)
        }
        api.delete("codes/:number") { _, context -> Response in
            _ = try await station.cashier.submit(.codeRevoked(number: context.parameter("number", as: "a code's number")))
            return .noContent
        }
    }

    private func radioRoutes(_ api: Routes) {
        api.post("identify") { _, _ -> Response in
            await station.seams.identify()
            return .noContent
        }
        api.get("radio") { _, _ -> Response in try .json(await station.radioStatus()) }
        api.post("radio/scan") { _, _ -> Response in try .json(await station.scanAir()) }
        api.put("radio") { request, _ -> Response in
            try .json(await station.setRadio(request.json(RadioRequest.self)))
        }
    }

    private func keyRoutes(_ api: Routes) {
        api.get("keys") { _, _ -> Response in try .json(await station.listKeys()) }
        api.get("keys/:number") { _, context -> Response in
            try .json(await station.key(context.parameter("number", as: "a key's number")))
        }
        api.post("keys") { request, _ -> Response in
            try .json(await station.createKey(request.json(KeyRequest.self)), status: .created)
        }
        api.delete("keys/:number") { _, context -> Response in
            _ = try await station.cashier.submit(.keyRevoked(number: context.parameter("number", as: "a key's number")))
            await station.seams.keysChanged()
            return .noContent
        }
    }

    private func channelRoutes(_ api: Routes) {
        api.get("channels") { _, _ -> Response in
            try .json(
                await station.cashier.read { engine in
                    engine.channels.values.sorted { $0.channel.openedAt < $1.channel.openedAt }.map(engine.channelView)
                })
        }
        api.post("channels") { request, _ -> Response in
            try .json(await station.openChannel(request.json(ChannelRequest.self)), status: .created)
        }
        api.put("channels/:id/deposit") { request, context -> Response in
            let id: ChannelID = try context.parameter("id", as: "a channel's 64 hexadecimal digits")
            let deposit = try await request.json(DepositRequest.self).depositQlc
            return try .json(await station.record(.toppedUp(id, deposit: deposit), of: id))
        }
        api.delete("channels/:id") { _, context -> Response in
            let id: ChannelID = try context.parameter("id", as: "a channel's 64 hexadecimal digits")
            guard let order = try await station.closeChannel(id) else { return .noContent }
            return try .json(order, status: .accepted)
        }
    }

    static func time(_ text: Substring?) throws -> WallTime? {
        guard let text else { return nil }
        guard let time = WallTime(String(text)) else {
            throw Problem(.malformed, "\"\(text.prefix(40))\" is not a time; write it like 2026-11-23T09:00:00Z")
        }
        return time
    }
}

extension CallContext {
    func parameter<T: LosslessStringConvertible>(_ name: String, as what: String) throws -> T {
        let text = (parameters.get(name) ?? "").replacing("%3A", with: ":").replacing("%3a", with: ":")
        guard let value = T(text) else { throw Problem(.malformed, "\"\(text.prefix(80))\" is not \(what)") }
        return value
    }

    func sessionID() throws -> SessionID { try parameter("id", as: "a session's 32 hexadecimal digits") }
}

/// `struct ucred` of socket(7).
private struct PeerCredentials {
    var pid: pid_t
    var uid: uid_t
    var gid: gid_t
}

/// Lets in whom the kernel names as root, as the daemon's own user, or as a member of the owner's group.
struct PeerMiddleware: RouterMiddleware {
    let group: String

    func handle(
        _ request: Request, context: CallContext, next: (Request, CallContext) async throws -> Response
    ) async throws -> Response {
        guard let options = context.channel as? any SocketOptionProvider else {
            throw Problem(.unauthorised, "the control API is for local callers on its Unix socket")
        }
        let peer: PeerCredentials = try await options.unsafeGetSocketOption(
            level: .init(CInt(SOL_SOCKET)), name: .init(CInt(SO_PEERCRED))
        ).get()
        guard peer.uid == 0 || peer.uid == geteuid() || chost_is_member(peer.uid, peer.gid, group) == 1 else {
            throw Problem(.forbidden, "user \(peer.uid) may not control this station; add it to group \"\(group)\"")
        }
        return try await next(request, context)
    }
}
