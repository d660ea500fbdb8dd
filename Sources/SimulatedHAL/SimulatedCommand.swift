public import HAL
import Primitives

/// What `basestation sim` can order; mirrors the control API's SimulationCommand without knowing it.
public enum SimulatedCommand: Hashable, Sendable {
    /// On the port with this place in the list of ports.
    case join(Int, port: Int = 0)
    case leave(Int)
    /// Bytes a second each way. nil seconds: until told otherwise.
    case traffic(Int, rateUp: UInt64, rateDown: UInt64, seconds: UInt64?)
    /// nil: all faults end.
    case fault(SimulatedFault?, seconds: UInt64?)

    /// As it came in; throws `.unsupported` with what to write instead.
    public init(
        action: String, client: Int? = nil, rateUp: UInt64? = nil, rateDown: UInt64? = nil, seconds: UInt64? = nil,
        fault: String? = nil, port: Int = 0
    ) throws(HALError) {
        func number() throws(HALError) -> Int {
            guard let client, (1...0xffff).contains(client) else {
                throw HALError(.unsupported, "sim \(action) needs a client from 1 to 65535", mend: "say which: --client 2")
            }
            return client
        }
        switch action {
        case "join": self = .join(try number(), port: port)
        case "leave": self = .leave(try number())
        case "traffic":
            let limit: UInt64 = 1_000_000_000_000
            self = .traffic(
                try number(), rateUp: min(rateUp ?? 0, limit), rateDown: min(rateDown ?? 0, limit), seconds: seconds)
        case "fault":
            if fault == "none" {
                self = .fault(nil, seconds: nil)
                return
            }
            guard let fault = fault.flatMap(SimulatedFault.init) else {
                let known = SimulatedFault.allCases.map(\.rawValue).joined(separator: ", ")
                throw HALError(.unsupported, "there is no simulated fault \"\(fault ?? "")\"", mend: "use one of \(known), none")
            }
            self = .fault(fault, seconds: seconds)
        default: throw HALError(.unsupported, "there is no sim \(action)", mend: "use join, leave, traffic or fault")
        }
    }

    var deeds: [SimulatedDeed] {
        switch self {
        case .join(let number, let port): return [.join(number, port: port)]
        case .leave(let number): return [.leave(number, politely: true)]
        case .traffic(let number, let rateUp, let rateDown, let seconds):
            let lasting = seconds.map { Nanoseconds.seconds($0) }
            return [.move(number, SimulatedTraffic(rateUp: rateUp, rateDown: rateDown, lasting: lasting))]
        case .fault(let fault?, let seconds): return [.fault(fault, lasting: seconds.map { Nanoseconds.seconds($0) })]
        case .fault(nil, _): return []
        }
    }
}
