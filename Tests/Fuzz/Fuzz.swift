import Charging
import Glibc
import HAL
import Ledger
import LinuxHAL
import Monero
import Netlink
import Primitives
import StationAPI
import StationConfiguration

/// A decoder and what must hold of it, whatever bytes come; `make fuzz` chooses by QLINK_FUZZ.
struct FuzzTarget: Sendable {
    let name: String
    let run: @Sendable ([UInt8]) -> Void

    static let all = [configuration, canonical, text, json, netlink, hostapd, gpsd, chain, stratum, monero, pool]
}

private let chosen: FuzzTarget = {
    let name = getenv("QLINK_FUZZ").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("QLINK_FUZZ names one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        exit(2)
    }
    return target
}()

private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@main
enum Fuzz {
    /// `fuzz seeds FOLDER` writes what the chosen target starts from; all else is libFuzzer's.
    static func main() throws {
        if CommandLine.arguments.dropFirst().first == "seeds" {
            switch chosen.name {
            case "chain": Seeds.write(try Seeds.chain(), to: CommandLine.arguments[2])
            case "pool": Seeds.write(Seeds.pool(), to: CommandLine.arguments[2])
            case "stratum": Seeds.write(Seeds.stratum(), to: CommandLine.arguments[2])
            case "monero": Seeds.write([Seeds.template.block], to: CommandLine.arguments[2])
            case "json": Seeds.write(try Seeds.json(), to: CommandLine.arguments[2])
            default: Seeds.write(Seeds.canonical(), to: CommandLine.arguments[2])
            }
            return
        }
        var (count, arguments) = (CommandLine.argc, CommandLine.unsafeArgv)
        exit(
            runFuzzer(&count, &arguments) { start, count in
                chosen.run(Array(UnsafeBufferPointer(start: start, count: count)))
                return 0
            })
    }
}

/// A property that does not hold ends the run, with the input kept.
func check(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fatalError(what()) }
}

extension FuzzTarget {
    /// A configuration is right, or every complaint has a line and a mend; and the parser's memory is bounded by the text.
    static let configuration = FuzzTarget(name: "configuration") { bytes in
        do throws(ConfigurationError) {
            _ = try StationConfiguration(text: String(decoding: bytes, as: UTF8.self), file: "f")
        } catch {
            check(!error.problems.isEmpty, "refused without a word")
            for problem in error.problems { check(problem.line > 0 && !problem.mend.isEmpty, "\(problem)") }
        }
    }

    /// What can be read is written back as the very same bytes: one value has one form, so a signature covers one value.
    static let canonical = FuzzTarget(name: "canonical") { bytes in
        guard let kind = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch kind % 9 {
        case 0: same(Voucher.self, rest)
        case 1: same(Offer.self, rest)
        case 2: same(Acceptance.self, rest)
        case 3: same(UsageRecord.self, rest)
        case 4: same(Tariff.self, rest)
        case 5: same(Price.self, rest)
        case 6: same(TimeWindow.self, rest)
        case 7: same(Rates.self, rest)
        default: same(VisitRecord.self, rest)
        }
    }

    static func same<T: Canonical>(_ type: T.Type, _ bytes: [UInt8]) {
        guard let value = try? T(canonicalBytes: bytes) else { return }
        check(value.canonicalBytes == bytes, "\(type) has two forms")
    }

    /// A text form that is read says the same again when it is written and read.
    static let text = FuzzTarget(name: "text") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        again(IPAddress.self, text)
        again(MACAddress.self, text)
        again(Endpoint.self, text)
        again(QLC.self, text)
        again(WallTime.self, text)
        again(Bytes32.self, text)
        again(SessionID.self, text)
        _ = ByteCount(text)
        let fields = FormFields.decode(text)
        check(fields.count <= FormFields.limit, "too many fields")
        check(fields.values.allSatisfy { $0.utf8.count <= 3 * text.utf8.count }, "a field grew")
        if let bytes = Hex.decode(text) { check(bytes.count * 2 == text.utf8.count, "hex grew") }
    }

    private static func again<T: LosslessStringConvertible & Equatable>(_ type: T.Type, _ text: String) {
        guard let value = T(text) else { return }
        check(T(value.description) == value, "\(type): \(value) is not read back")
    }

    /// Bodies of both APIs, what their clients read, and the rows of the store.
    /// A signature that is read is over exactly what is written back.
    static let json = FuzzTarget(name: "json") { bytes in
        guard let kind = bytes.first else { return }
        jsonBodies[Int(kind) % jsonBodies.count](bytes.dropFirst())
    }

    private static let jsonBodies: [@Sendable (ArraySlice<UInt8>) -> Void] = [
        { body(OpenSessionBody.self, $0) }, { body(VoucherBody.self, $0) }, { body(ChannelRequest.self, $0) },
        { body(CodesRequest.self, $0) }, { body(SimulationCommand.self, $0) }, { body(OfferView.self, $0) },
        { body(BuyerSessionView.self, $0) }, { body(Problem.self, $0) }, { body(DefaultTariffRequest.self, $0) },
        { body(DepositRequest.self, $0) }, { body(ConfigurationText.self, $0) }, { body(SessionView.self, $0) },
        { body(StatusView.self, $0) }, { body(ChannelView.self, $0) }, { body(CodeView.self, $0) },
        { body(CaptivePortalView.self, $0) }, { body(Session.self, $0) }, { body(ChannelAccount.self, $0) },
        { body(AccessCode.self, $0) }, { body(TariffsView.self, $0) }, { body(UsageRecord.self, $0) },
    ]

    private static func body<T: Codable & Hashable>(_ type: T.Type, _ bytes: ArraySlice<UInt8>) {
        guard let value = try? JSON.decode(type, from: bytes) else { return }
        guard let written = try? JSON.encode(value), let read = try? JSON.decode(type, from: written) else {
            fatalError("\(type) cannot be written back")
        }
        check(read == value, "\(type) changes when it is written")
    }

    /// What the kernel sends, and what no kernel would.
    static let netlink = FuzzTarget(name: "netlink") { bytes in
        _ = Acknowledgement.decode(datagram: bytes)
        _ = RouteEvent.decode(datagram: bytes)
        for body in [bytes, Array(bytes.dropFirst(Message.headerSize))] {
            _ = LinkMessage.decode(payload: body)
            _ = AddressMessage.decode(payload: body)
            _ = NeighbourMessage.decode(payload: body)
            _ = ReceivedElement.decode(payload: body)
            _ = GenericFamily.decode(payload: body)
            _ = Wiphy.decode(payload: body)
            _ = WirelessInterface.decode(payload: body)
            _ = WirelessStation.decode(payload: body)
            _ = WirelessEvent.decode(payload: body)
            _ = WirelessCell.decode(payload: body)
            _ = WirelessSurvey.decode(payload: body)
            if let quota = QuotaObject.decode(payload: body) { check(quota.name.utf8.count <= body.count, "the name grew") }
        }
    }

    /// What comes from hostapd's control socket.
    static let hostapd = FuzzTarget(name: "hostapd") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if case .connected(_, let key?) = HostapdEvent(text) { check(!key.contains(" "), "a key id of two words") }
        if let key = HostapdStation(text)?.keyID { check(!key.contains("\n"), "a key id of two lines") }
        check(HostapdState(text).isOnAir == (HostapdState(text).state == "ENABLED"), "on the air and not")
    }

    /// What comes from gpsd's socket: the same lines in whatever pieces, none too long, and every place is on Earth.
    static let gpsd = FuzzTarget(name: "gpsd") { bytes in
        guard let first = bytes.first else { return }
        var (whole, pieces) = (LineSplitter(limit: 1_000), LineSplitter(limit: 1_000))
        let (text, size) = (bytes.dropFirst(), Int(first) + 1)
        let lines = whole.take(text)
        var same: [[UInt8]] = []
        for start in stride(from: text.startIndex, to: text.endIndex, by: size) {
            same += pieces.take(text[start..<min(start + size, text.endIndex)])
            check(pieces.pending <= 1_000, "a line without an end is kept")
        }
        check(lines == same, "the pieces made other lines")
        check(lines.allSatisfy { !$0.isEmpty && $0.count <= 1_000 }, "a line is too long, or none")
        for line in lines {
            guard case .report(let report) = GpsdMessage(line: line), let position = report.position else { continue }
            check(abs(Int(position.latitude)) <= 900_000_000, "north of the pole: \(position)")
            check(abs(Int(position.longitude)) <= 1_800_000_000, "once around: \(position)")
            check(position.altitudeMillimetres == nil || report.mode == .threeDimensional, "flat, with a height")
            check((report.time?.milliseconds ?? 0) < 1_000, "more than a second")
        }
    }
}
