import Ledger
import Primitives
import Testing

@Suite struct StateTreeTests {
    @Test func theEmptyStateHasTheZeroRoot() { #expect(StateTree().root == .zero) }
}
