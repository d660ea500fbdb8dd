extension UInt64 {
    /// The sum, or the largest number if it would overflow: a counter that is too large to be true never stops the program.
    public func saturatingAdd(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The difference, or zero if `other` is the larger.
    public func saturatingSubtract(_ other: UInt64) -> UInt64 { self > other ? self - other : 0 }
}
