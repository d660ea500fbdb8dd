import Foundation
import Lab
import Primitives
import StationAPI
import Testing

/// What the station takes, and from whom, while its chain is silent or asked too much.
@Suite struct SilentChainTests {
    /// A chain at rest has a block a minute: a station that wants one in ten seconds hears nothing for the rest of it.
    @Test func aStationThatDoesNotHearTheChainTakesNoVoucher() async throws {
        let (genesis, rpc) = (StationChainTests.genesis(), try freePort())
        let daemon = try await StationChainTests.delegate(rpc: rpc, genesis: genesis, more: "silence_limit = \"10s\"")
        let buyer = try await ChainBuyer(of: daemon, genesis, rpc: rpc, deposit: "30")
        try buyer.giveMore(sequence: 1)
        try await StationChainTests.wait("the session") { try buyer.connect().status == 0 }
        try await StationChainTests.wait("the chain to be silent") {
            let answer = try buyer.run(["pay", "0.01"])
            return answer.status != 0 && answer.err.contains("has not heard of its chain")
        }
        // What needs no chain is served on.
        #expect(try daemon.ask(2, "POST", "/v1/sessions", #"{"free_tariff":"free"}"#).status == 201)
        try buyer.giveMore(sequence: 2)
        try await StationChainTests.wait("the station to take vouchers again") { try buyer.run(["pay", "0.01"]).status == 0 }
    }

    /// A batch costs what its calls cost.
    @Test func aDeviceThatAsksTheChainTooMuchWaits() async throws {
        let daemon = try await StationChainTests.delegate(rpc: try freePort())
        let call = try StationChainTests.call("chain.status")
        let batch = "[" + Array(repeating: try StationChainTests.call("chain.validators"), count: 32).joined(separator: ",") + "]"
        #expect(try daemon.ask(1, "POST", "/v1/chain/rpc", batch).status == 200)
        var asked = 1
        // Each counts a millisecond at least.
        while asked <= 3_000, try daemon.ask(1, "POST", "/v1/chain/rpc", batch).status == 200 { asked += 1 }
        #expect(asked < 3_000, "\(asked) batches")
        #expect(try daemon.ask(1, "POST", "/v1/chain/rpc", call).status == 429)
        #expect(try daemon.ask(2, "POST", "/v1/chain/rpc", call).status == 200)
        #expect(try #require(daemon.owner.ask("POST", "/v1/chain/rpc", body: call)).status == 200)
    }
}
