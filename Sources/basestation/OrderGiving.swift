import ArgumentParser
import Glibc
import Primitives
import StationAPI
import StationClient

/// How an order is given: under an id that makes it once, and after a question.
struct OrderGiving: ParsableArguments {
    @Option(help: "The order's id, to ask for the same one again: it is done once.") var id: String?
    @Flag(help: "Do not ask whether it is meant.") var yes = false

    func validate() throws {
        if let id, Bytes32(id) == nil { throw ValidationError("an order's id has 64 hexadecimal digits") }
    }

    /// The one that was named, or a new one.
    var newID: Bytes32 {
        var random = SystemRandomNumberGenerator()
        return id.flatMap { Bytes32($0) } ?? .random(using: &random)
    }

    /// What was ordered under this id before.
    func known(_ id: Bytes32, _ common: Common, isSame: (OrderView) -> Bool) async throws -> OrderView? {
        guard self.id != nil else { return nil }
        do {
            let order: OrderView = try await common.station.get("/v1/wallet/orders/\(id)")
            guard isSame(order) else { throw Refusal("order \(id) is another one; a new payment needs a new id") }
            return order
        } catch let problem as Problem {
            guard problem.kind == .unknown else { throw problem }
            return nil
        }
    }

    func give(_ id: Bytes32, _ ask: () async throws -> OrderView) async throws -> OrderView {
        do { return try await ask() } catch let error as StationUnreachable {
            throw StationUnreachable(
                description: "\(error). Whether it was ordered is not known: repeat it with --id \(id)",
                isNotPermitted: error.isNotPermitted)
        }
    }

    func confirm(_ what: String) throws {
        guard !yes else { return }
        guard isatty(0) == 1 else { throw ValidationError("nobody is there to say yes: add --yes") }
        let question = Array("\(what) Go on [yes/no]? ".utf8)
        _ = Glibc.write(2, question, question.count)
        guard let answer = readLine(), ["yes", "y"].contains(answer.lowercased()) else {
            throw Refusal("nothing was ordered")
        }
    }
}
