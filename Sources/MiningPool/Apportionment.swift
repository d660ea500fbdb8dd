/// Splits a whole number by weights so that the parts are whole and their sum is the whole: the largest remainder (Hamilton's method).
public enum Apportionment {
    /// Each part is its share rounded down, and one more for those with the largest remainders until nothing is left; of equal remainders the
    /// first comes first.
    /// - Parameter weights: where their sum is 0, all parts are.
    public static func split(_ whole: UInt64, by weights: [UInt64]) -> [UInt64] {
        let sum = weights.reduce(UInt128(0)) { $0 + UInt128($1) }
        guard sum > 0 else { return weights.map { _ in 0 } }
        let products = weights.map { (UInt128(whole) * UInt128($0)).quotientAndRemainder(dividingBy: sum) }
        var parts = products.map { UInt64($0.quotient) }
        let left = whole - parts.reduce(0, +)  // fewer than there are parts
        let order = products.indices.sorted { (products[$1].remainder, $0) < (products[$0].remainder, $1) }
        for index in order.prefix(Int(left)) { parts[index] += 1 }
        return parts
    }
}
