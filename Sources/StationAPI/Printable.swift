extension StringProtocol {
    /// What strangers wrote, for a terminal: control characters, also those that turn the writing round, become "?".
    public var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: "?"
                    default: scalar
                    }
                }))
    }
}
