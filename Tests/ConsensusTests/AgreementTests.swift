import Consensus
import Primitives
import Testing

@Suite struct AgreementTests {
    private let voters: Voters
    private let first: Int
    private static let start: BlockTime = 1_800_000_000_000
    private var start: BlockTime { Self.start }

    init() throws {
        voters = try Voters(powers: [1, 1, 1, 1])
        first = ProposerRotation(voters.set).proposerIndex
    }

    private func agreement(of delegate: Int, signing: SigningState? = nil, isWhole: Bool = true) -> Agreement {
        Agreement(
            chainID: Voters.chainID, identity: voters.keys[delegate].publicKey, timing: ConsensusTiming(),
            past: Agreement.Past(signing: signing, isWhole: isWhole))
    }

    private func turn(_ height: UInt64, parentTime: BlockTime? = nil) -> Agreement.Turn {
        Agreement.Turn(height: height, parentTime: parentTime ?? start, rotation: ProposerRotation(voters.set))
    }

    private func signed(_ actions: [Agreement.Action]) -> [Vote] {
        actions.compactMap { if case .rounds(.signVote(let vote)) = $0 { vote } else { nil } }
    }

    private func timeout(_ step: Rounds.Step, height: UInt64 = 1) -> Agreement.Event {
        .rounds(.timeout(Rounds.Timeout(height: height, round: 0, step: step)))
    }

    @Test func aBoardWithoutAClockFollowsAndDoesNotVote() {
        var agreement = agreement(of: (first + 1) % 4)
        _ = agreement.handle(.begin(turn(1)), clock: nil)
        #expect(agreement.silence?.contains("clock") == true)
        _ = agreement.handle(.waited(height: 1, isIdle: true), clock: nil)
        #expect(signed(agreement.handle(timeout(.propose), clock: nil)).isEmpty)
    }

    /// All may have booted without a clock: the height at hand must not have to wait for the next one.
    /// So is one that has not reached the chain's beginning.
    @Test(arguments: [nil, start - 1]) func aClockThatIsSetWithinAHeightIsTakenUp(early: BlockTime?) {
        var agreement = agreement(of: (first + 1) % 4)
        _ = agreement.handle(.begin(turn(1, parentTime: Self.start)), clock: early)
        #expect(agreement.silence?.contains("clock") == true)
        _ = agreement.handle(.waited(height: 1, isIdle: true), clock: early)
        _ = agreement.handle(timeout(.propose), clock: early)
        let votes = signed(agreement.handle(.clockSet, clock: start))
        #expect(votes == [Vote(chainID: Voters.chainID, height: 1, round: 0, step: .prevote, block: nil)])
        #expect(agreement.silence == nil)
        #expect(signed(agreement.handle(.clockSet, clock: start)).isEmpty, "once")
    }

    @Test(arguments: [true, false])
    func aProposerWhoseClockIsSetProposes(hasBegun: Bool) {
        var agreement = agreement(of: first)
        _ = agreement.handle(.begin(turn(1)), clock: nil)
        if hasBegun { _ = agreement.handle(.waited(height: 1, isIdle: true), clock: nil) }
        var actions = agreement.handle(.clockSet, clock: start)
        if !hasBegun { actions = agreement.handle(.waited(height: 1, isIdle: true), clock: start) }
        #expect(actions.count { $0 == .rounds(.build(round: 0)) } == 1)
    }

    /// It does not know what it signed: it waits until nobody can ask for what its earlier self may have signed.
    @Test func aCopySignsAgainWhenALaterBlockIsFinal() {
        var agreement = agreement(of: (first + 1) % 4, isWhole: false)
        for (height, parentTime, signs) in [(1, start - 5_000, false), (2, start + 9_000, false), (3, start + 11_000, true)] {
            _ = agreement.handle(.begin(turn(UInt64(height), parentTime: parentTime)), clock: start)
            #expect((agreement.silence == nil) == signs && agreement.isWhole == signs)
            _ = agreement.handle(.waited(height: UInt64(height), isIdle: true), clock: start)
            let votes = signed(agreement.handle(timeout(.propose, height: UInt64(height)), clock: start))
            #expect(votes.isEmpty != signs)
        }
    }

    /// A clock that comes late frees nobody whose disk is a copy.
    @Test func aCopyWithoutAClockStaysSilentWhenItIsSet() {
        var agreement = agreement(of: (first + 1) % 4, isWhole: false)
        _ = agreement.handle(.begin(turn(1)), clock: nil)
        _ = agreement.handle(.waited(height: 1, isIdle: true), clock: nil)
        _ = agreement.handle(timeout(.propose), clock: nil)
        #expect(signed(agreement.handle(.clockSet, clock: start)).isEmpty)
        #expect(agreement.silence?.contains("copy") == true && !agreement.isWhole)
    }

    @Test func nothingIsSignedBelowWhatWasSigned() {
        var agreement = agreement(of: (first + 1) % 4, signing: SigningState(chainID: Voters.chainID, height: 3))
        for height in [2, 3] as [UInt64] {
            _ = agreement.handle(.begin(turn(height)), clock: start)
            #expect((agreement.silence == nil) == (height == 3))
        }
    }
}
