import Consensus
import Foundation
import Primitives
import Testing

@Suite struct LightVerifierTests {
    /// Tests/Vectors/light-client.json; the origin stands in the file.
    struct Published: Decodable {
        struct Block: Decodable {
            var height: UInt64, time: UInt64, set: [Int], next: [Int]
        }
        struct Step: Decodable {
            var height: UInt64, time: UInt64, set: [Int], next: [Int], signers: [Int], now: UInt64, verdict: String
        }
        struct Scenario: Decodable, CustomTestStringConvertible {
            var name: String, initial: Block, steps: [Step]
            var testDescription: String { name }
        }
        var trustingPeriod: UInt64, clockDrift: UInt64, power: UInt64, scenarios: [Scenario]

        static let shared: Published = {
            let url = URL(fileURLWithPath: #filePath).appendingPathComponent("../../Vectors/light-client.json")
                .standardizedFileURL
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            do { return try decoder.decode(Published.self, from: Data(contentsOf: url)) } catch {
                preconditionFailure("\(url): \(error)")
            }
        }()
    }

    static let publishedKeys = Crowd(powers: Array(repeating: Published.shared.power, count: 5))

    static func header(_ height: UInt64, time: BlockTime, set: [Int], next: [Int], parent: BlockID = .zero) throws -> Header {
        var header = Header()
        (header.chainID, header.height, header.time, header.parent) = (Voters.chainID, height, time, parent)
        header.delegateSet = try publishedKeys.set(set).hash
        header.nextDelegateSet = next.isEmpty ? .zero : try publishedKeys.set(next).hash
        return header
    }

    @Test(arguments: Published.shared.scenarios) func publishedScenariosComeToTheirVerdicts(scenario: Published.Scenario) throws {
        var verifier = LightVerifier(chainID: Voters.chainID)
        verifier.trustingPeriod = .seconds(Published.shared.trustingPeriod)
        verifier.clockDrift = .seconds(Published.shared.clockDrift)
        let first = scenario.initial
        var trusted = (
            header: try Self.header(first.height, time: first.time * 1000, set: first.set, next: first.next), next: first.next
        )
        for step in scenario.steps {
            // A set cannot be empty here: then its members are those who signed.
            let members = step.set.isEmpty ? step.signers : step.set
            let header = try Self.header(
                step.height, time: step.time * 1000, set: members, next: step.next, parent: trusted.header.id)
            var block = try Self.publishedKeys.certify(header, members: members, signers: step.signers)
            if !step.signers.allSatisfy(members.contains) { block.commit.signers |= 1 << UInt64(members.count) }
            // Trust is counted in the announced set there, and in the block's own set here.
            let start = LightBlock(
                header: trusted.header, commit: Commit(), delegates: try Self.publishedKeys.set(trusted.next))
            var verdict = "SUCCESS"
            do throws(ConsensusError) {
                try verifier.verify(block, after: start, now: step.now * 1000)
                trusted = (header, step.next)
            } catch {
                if case .notEnoughTrust = error { verdict = "NOT_ENOUGH_TRUST" } else { verdict = "INVALID" }
            }
            #expect(verdict == step.verdict, "height \(step.height)")
        }
    }

    // MARK: The tables of CometBFT's light/verifier_test.go

    static let hour: BlockTime = 3_600_000
    static let base = LightChain.start
    static let keys = Crowd(powers: [20, 30, 40, 50])
    /// The same keys with other powers: not what was announced.
    static let reweighed = Crowd(powers: [10, 11, 12, 13])

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var height: UInt64 = 2
        /// After the trusted header's.
        var time = Int64(hour)
        var members = [0, 1, 2, 3]
        var signers = [0, 1, 2, 3]
        var changes: @Sendable (inout Header) throws -> Void = { _ in }
        var supplied: Crowd?
        var period = 3 * hour
        var now = 2 * hour
        var error: String?
        var testDescription: String { name }
    }

    static let adjacent = [
        Row(name: "same header", height: 1, time: 0, error: "heightNotIncreasing"),
        Row(name: "different chain", changes: { $0.chainID = .zero }, error: "headerInvalid"),
        Row(name: "time before the trusted one", time: -Int64(hour), error: "timeNotIncreasing"),
        Row(name: "time from the future", time: 3 * Int64(hour), error: "fromTheFuture"),
        Row(name: "from the future within the drift", time: 2 * Int64(hour) + 9_999),
        Row(name: "from the future by the drift", time: 2 * Int64(hour) + 10_000, error: "fromTheFuture"),
        Row(name: "all signed"),
        Row(name: "two thirds signed", signers: [1, 2, 3]),
        Row(name: "a third signed", signers: [3], error: "notEnoughPower"),
        Row(
            name: "not the announced set", changes: { $0.delegateSet = try reweighed.set([0, 1, 2, 3]).hash },
            supplied: reweighed,
            error: "headerInvalid"),
        Row(name: "not the set that the header names", supplied: reweighed, error: "headerInvalid"),
        Row(name: "expired", period: hour, now: hour, error: "trustExpired"),
        Row(name: "a millisecond before it expires", period: hour, now: hour - 1, error: nil),
        Row(name: "another parent", changes: { $0.parent = .zero }, error: "headerInvalid"),
        Row(name: "not adjacent", height: 3, error: "headerInvalid"),
    ]

    static let skipping = [
        Row(name: "all signed", height: 3),
        Row(name: "two thirds signed", height: 4, signers: [1, 2, 3]),
        Row(name: "a third signed", height: 5, signers: [3], error: "notEnoughPower"),
        Row(name: "two thirds of the trusted are left", height: 5, members: [1, 2, 3], signers: [1, 2, 3]),
        Row(name: "a third of the trusted is left", height: 5, members: [3], signers: [3]),
        Row(name: "less than a third is left", height: 5, members: [0], signers: [0], error: "notEnoughTrust"),
        Row(name: "adjacent", error: "headerInvalid"),
        Row(name: "expired", height: 3, period: hour, now: hour, error: "trustExpired"),
    ]

    static func run(_ row: Row, _ verify: (LightVerifier, LightBlock, LightBlock, BlockTime) throws(ConsensusError) -> Void)
        throws
    {
        let chain = try LightChain(crowd: keys, heights: 1, members: [0, 1, 2, 3])
        let trusted = try chain.block(1)
        var header = chain.header(1)
        (header.height, header.parent) = (row.height, trusted.id)
        header.time = BlockTime(Int64(trusted.time) + row.time)
        header.delegateSet = try keys.set(row.members).hash
        if row.height == 1 { header = trusted.header }
        // The trusted header announces its own set; who is trusted by hash is another test's matter.
        try row.changes(&header)
        let block = try (row.supplied ?? keys).certify(header, members: row.members, signers: row.signers)
        var verifier = LightVerifier(chainID: Voters.chainID)
        verifier.trustingPeriod = .milliseconds(row.period)
        var error: ConsensusError?
        do throws(ConsensusError) { try verify(verifier, block, trusted, trusted.time + row.now) } catch let refusal {
            error = refusal
        }
        #expect(error?.name == row.error, "\(String(describing: error))")
    }

    @Test(arguments: adjacent) func theNextHeaderFollowsByItsParentAndTheAnnouncedSet(row: Row) throws {
        try Self.run(row) { verifier, block, trusted, now throws(ConsensusError) in
            try verifier.verifyAdjacent(block, after: trusted, now: now)
        }
    }

    @Test(arguments: skipping) func aLaterHeaderFollowsByTrustedPower(row: Row) throws {
        try Self.run(row) { verifier, block, trusted, now throws(ConsensusError) in
            try verifier.verifySkipping(block, after: trusted, now: now)
        }
    }

    @Test func anAnnouncedSetIsTrustedAsItIs() throws {
        let crowd = Crowd(powers: Array(repeating: 1, count: 8))
        let chain = try LightChain(crowd: crowd, members: [[0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7], [4, 5, 6, 7]])
        let verifier = LightVerifier(chainID: Voters.chainID)
        try verifier.verifySkipping(chain.block(3), after: chain.block(1), now: chain.now)
        var unannounced = try chain.block(1)
        unannounced.header.nextDelegateSet = unannounced.header.delegateSet
        #expect(throws: ConsensusError.notEnoughTrust(signed: 0, of: 4)) {
            try verifier.verifySkipping(chain.block(3), after: unannounced, now: chain.now)
        }
    }

    @Test func exactlyAThirdOfTheTrustedPowerIsNotEnough() throws {
        let crowd = Crowd(powers: Array(repeating: 1, count: 6))
        let chain = try LightChain(crowd: crowd, members: [[0, 1, 2], [0, 1, 2], [2, 3, 4], [2, 3, 4]])
        #expect(throws: ConsensusError.notEnoughTrust(signed: 1, of: 3)) {
            try LightVerifier(chainID: Voters.chainID).verify(chain.block(3), after: chain.block(1), now: chain.now)
        }
    }
}
