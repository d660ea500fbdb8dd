/// What a figure shall be.
enum Goal: Sendable {
    case atLeast(Double), atMost(Double)

    func isMet(by value: Double) -> Bool {
        switch self {
        case .atLeast(let limit): value >= limit
        case .atMost(let limit): value <= limit
        }
    }

    var limit: Double {
        switch self {
        case .atLeast(let limit), .atMost(let limit): limit
        }
    }

    var sign: String { if case .atLeast = self { "≥" } else { "≤" } }
}

/// One figure: the median of its rounds, and what it was measured against.
struct Figure: Sendable {
    var key: String
    /// What it is, in a table's words.
    var name: String
    var unit: String
    var goal: Goal?
    /// What it was compared with in the same run; for an amount, what it is an amount of.
    var reference: String
    var rounds: [Double]
    var note: String?
    /// Before the name in a table: figures of something else than the board's own rules have one.
    var mark = " "

    init(
        _ key: String, _ name: String, unit: String, goal: Goal? = nil, reference: String, rounds: [Double], note: String? = nil
    ) {
        precondition(!rounds.isEmpty, "\(key) was not measured")
        self.key = key
        self.name = name
        self.unit = unit
        self.goal = goal
        self.reference = reference
        self.rounds = rounds
        self.note = note
    }

    var value: Double { rounds.quantile(0.5) }
    var isMet: Bool? { goal.map { $0.isMet(by: value) } }
}

extension [Double] {
    /// Between neighbours, as the line between them goes.
    func quantile(_ part: Double) -> Double {
        let sorted = sorted()
        let place = part * Double(count - 1)
        let low = Int(place)
        let high = Swift.min(low + 1, count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
    }
}
