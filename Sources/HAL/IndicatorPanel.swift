public import Primitives

/// What the station switches on its board.
public enum PanelOutput: String, Hashable, Sendable, CaseIterable {
    case statusLight
    case radioEnable
    case amplifierEnable
    case fan
}

/// The reset button went down or up.
public struct ButtonEdge: Hashable, Sendable {
    public var isPressed: Bool
    /// When it happened, not when it was read.
    public var at: Instant

    public init(isPressed: Bool, at: Instant) {
        self.isPressed = isPressed
        self.at = at
    }
}

/// The lamps, switches and the button of the board. Which wires they are, and whether on is high or low, is board data.
///
/// - an output changes only by ``set(_:on:)``; before the first, it is as the board left it
/// - contacts bounce: edges are as the wire had them, undamped
public protocol IndicatorPanel: Sendable {
    /// What this board has. Setting another throws `.missing`.
    var outputs: Set<PanelOutput> { get }
    var hasButton: Bool { get }
    func set(_ output: PanelOutput, on: Bool) async throws(HALError)
    /// Edges from now on; a button that is held already tells only when it is let go. The stream is bounded and ends when the
    /// button is gone. Throws `.missing` where there is no button, `.busy` when somebody else listens.
    func buttonEdges() async throws(HALError) -> AsyncStream<ButtonEdge>
    /// As it is now: an edge that was lost must not become a deed that cannot be taken back.
    func isButtonPressed() async throws(HALError) -> Bool
}
