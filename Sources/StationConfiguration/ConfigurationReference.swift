extension StationConfiguration {
    /// All keys in Markdown, for docs/configuration.md; made of the decoder's own declarations.
    public static var reference: String {
        let blank = StationConfiguration()
        var text = ""
        for section in Section.all {
            text += table("[\(section.name)]", section.meaning, section.keys, blank)
        }
        text += table(
            "[[tariff]]", "A price plan; at least one. Its prices add up, and what has no price is free.", TariffDraft.keys,
            TariffDraft())
        text += table(
            "[[tariff.window]]",
            "Below a `[[tariff]]`: hours with prices of their own, 16 at most; the first that fits counts. Outside them, and while the board's clock is not set, the tariff's own prices hold.",
            WindowDraft.keys, WindowDraft())
        return text
    }

    private static func table<Target>(_ title: String, _ meaning: String, _ keys: [Key<Target>], _ blank: Target) -> String {
        var text = "### `\(title)`\n\(meaning)\n\n| key | sets | is | left out | example |\n|---|---|---|---|---|\n"
        for key in keys {
            let standard = key.show(blank).map { $0 == "\"\"" ? "–" : "`\($0)`" } ?? "–"
            text += "| `\(key.name)` | \(key.meaning) | \(key.words) | \(standard) | `\(key.example)` |\n"
        }
        return text + "\n"
    }
}
