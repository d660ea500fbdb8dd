import Charging
import FoundationEssentials
import Glibc
import HAL
import HTTPGuard
import HTTPTypes
import Hummingbird
public import Logging
import NIOCore
import Primitives
public import ServiceLifecycle
import StationAPI

/// The buyer's API and the portal, on the clients' side (docs/api.md). A caller is the device the kernel says it is.
public struct BuyerServer: Service {
    private let station: Station
    private let logger: Logger
    private let chainCalls: ChainCalls

    public init(station: Station, logger: Logger) {
        chainCalls = ChainCalls(clocks: station.clocks)
        self.station = station
        self.logger = logger
    }

    public func run() async throws {
        let router = Router(context: CallContext.self)
        router.add(middleware: PortalRedirect(station: station))
        router.add(middleware: ProblemMiddleware())
        apiRoutes(router.group("v1"))
        portalRoutes(router)
        router.get(".well-known/captive-portal") { request, context -> Response in
            let view = await station.captivePortal(
                for: try? await device(request, context), portalURL: PortalRedirect.url(for: request, station))
            let body = try JSONEncoder().encode(view)
            return .bytes(Array(body), type: "application/captive+json", status: .ok)
        }
        for _ in 0..<Self.patience {
            // "::" takes IPv4 too; the gate keeps the uplink's side away.
            do { return try await serve(router, on: "::") } catch  where Self.isWithoutIPv6(error) {
                // A board that boots may get its addresses in a moment.
                try await Task.sleep(for: .milliseconds(500))
            }
        }
        logger.warning("no IPv6 address on any interface: the portal is for IPv4 alone until the daemon starts anew")
        try await serve(router, on: "0.0.0.0")
    }

    /// Half seconds to wait for the first IPv6 address.
    private static let patience = 20

    private func serve(_ router: Router<CallContext>, on host: String) async throws {
        let port = station.settings.portalPort
        let app = Application(
            router: router, server: .http1(configuration: ConnectionGuard().configuration()),
            configuration: .init(address: .hostname(host, port: port), serverName: nil), logger: logger)
        do { try await app.run() } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw Problem(
                .conflict, "port \(port) is taken; \"ss -ltnp sport = :\(port)\" names by whom, or set listen_port below [portal]"
            )
        }
    }

    /// The resolver refuses "::" where only loopback has an IPv6 address, the kernel where IPv6 is switched off.
    private static func isWithoutIPv6(_ error: any Error) -> Bool {
        error is SocketAddressError.UnknownHost || (error as? IOError)?.errnoCode == EAFNOSUPPORT
    }

    private func apiRoutes(_ api: Routes) {
        api.get("offer") { request, context -> Response in
            let id = request.uri.queryParameters["tariff"].map(String.init)
            return try .json(await station.offer(id, to: device(request, context)))
        }
        api.post("sessions") { request, context -> Response in
            let caller = try await device(request, context)
            return try .json(await station.open(request.json(OpenSessionBody.self), from: caller), status: .created)
        }
        api.get("session") { request, context -> Response in
            let caller = try await device(request, context)
            guard let view = await station.session(of: caller) else {
                throw Problem(.unknown, "\(caller.mac) has no open session; open one with POST /v1/sessions")
            }
            return try .json(view)
        }
        api.get("sessions/:id") { _, context -> Response in try .json(await station.session(context.sessionID())) }
        api.get("sessions/:id/usage") { _, context -> Response in try .json(await station.usage(of: context.sessionID())) }
        api.post("sessions/:id/vouchers") { request, context -> Response in
            let id = try context.sessionID()
            return try .json(await station.pay(request.json(VoucherBody.self).voucher, session: id))
        }
        api.delete("sessions/:id") { _, context -> Response in try .json(await station.leave(context.sessionID())) }
        station.chainRPC(api) { request, context, work in
            try await chainCalls.answer(to: try? await device(request, context).mac, work)
        }
        api.get("channels/:id") { _, context -> Response in
            try .json(await station.channel(context.parameter("id", as: "a channel's 64 hexadecimal digits")))
        }
    }

    private func portalRoutes(_ router: Router<CallContext>) {
        let page = { @Sendable (request: Request, context: CallContext) async throws -> Response in
            .html(await station.portalPage(for: try? await device(request, context), notice: nil))
        }
        router.get("", use: page)
        router.get("portal", use: page)
        router.post("portal/:verb") { request, context -> Response in
            let form = try await request.form()
            let caller = try await device(request, context)
            do {
                switch context.parameters.get("verb") {
                case "code": _ = try await station.open(OpenSessionBody(accessCode: form["code"] ?? ""), from: caller)
                case "free": _ = try await station.open(OpenSessionBody(freeTariff: form["tariff"] ?? ""), from: caller)
                case "leave":
                    if let session = await station.session(of: caller), let id = SessionID(session.sessionId) {
                        _ = try await station.leave(id)
                    }
                default: throw Problem(.unknown, "there is no such form")
                }
            } catch {
                let problem = Problem(error, path: request.uri.path)
                return .html(await station.portalPage(for: caller, notice: problem.detail), status: .init(code: problem.status))
            }
            return Response(status: .seeOther, headers: [.location: "/portal"])
        }
    }

    /// Whom the request comes from.
    private func device(_ request: Request, _ context: CallContext) async throws -> Neighbour {
        guard let address = context.remoteAddress else { throw Problem(.unauthorised, "the request has no address") }
        if address.isLoopback, let simulated = station.seams.simulatedClient, let name = HTTPField.Name("X-Simulated-Client"),
            let number = request.headers[name].flatMap({ Int($0) }), let device = await simulated(number)
        {
            return device
        }
        guard let device = await station.directory.neighbour(at: address) else {
            throw Problem(.unauthorised, "\(address) is not on this station's side for clients; connect to its network first")
        }
        return device
    }
}

/// A client that is held captive asks for some web page: it is sent to the portal instead.
struct PortalRedirect: RouterMiddleware {
    let station: Station

    static func url(for request: Request, _ station: Station) -> String {
        "http://\(request.head.authority ?? "localhost:\(station.settings.portalPort)")/portal"
    }

    func handle(
        _ request: Request, context: CallContext, next: (Request, CallContext) async throws -> Response
    ) async throws -> Response {
        let host = request.head.authority ?? ""
        guard request.method == .get, !host.hasSuffix(":\(station.settings.portalPort)"),
            let local = context.channel.localAddress?.ipAddress.flatMap({ IPAddress(String($0.prefix { $0 != "%" })) })?.unmapped
        else { return try await next(request, context) }
        let name = local.isIPv6 ? "[\(local)]" : "\(local)"
        let target = "http://\(name):\(station.settings.portalPort)"
        let path =
            request.uri.path.hasPrefix("/v1/") || request.uri.path.hasPrefix("/.well-known/") ? request.uri.path : "/portal"
        return Response(status: .seeOther, headers: [.location: target + path, .cacheControl: "no-store"])
    }
}

extension Response {
    static func html(_ page: String, status: HTTPResponse.Status = .ok) -> Response {
        var response = text(page, type: "text/html; charset=utf-8", status: status)
        response.headers[.contentSecurityPolicy] = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        return response
    }
}
