import Charging
import Primitives

/// `[stake]`: what becomes of what the station's stake earns.
extension Section {
    static let stake = Section(
        name: "stake",
        meaning:
            "What becomes of the rewards of the station's stake; `basestation stake` stakes, and `basestation delegate` says with whom.",
        keys: [
            Key(
                "restake", \.restaking.percent, .number(0...100), example: "50",
                "Of the rewards, so much per cent is staked again by itself, with the same fee as by hand; 0: nothing."),
            Key(
                "keep", \.restaking.keep, .money, example: "\"25\"",
                "So much QLC stays liquid in any case; left out: what the fees of a hundred settlements are. Only restaking minds it."
            ),
            Key(
                "least", \.restaking.least, .money, example: "\"10\"",
                "Less is not staked again but waits for more; nor is what its fee is more than a hundredth of."),
        ])
}
