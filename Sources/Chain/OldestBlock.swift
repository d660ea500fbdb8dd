/// The oldest height from `first` to `head` of which the block is kept; one above the head if none is. What is pruned is older than all
/// that is kept, so it asks some twenty times.
public func oldestKept(
    from first: UInt64 = 1, upTo head: UInt64, _ isKept: (UInt64) async throws -> Bool
) async throws -> UInt64 {
    var (low, high) = (first, head + 1)
    while low < high {
        let middle = low + (high - low) / 2
        if try await isKept(middle) { high = middle } else { low = middle + 1 }
    }
    return low
}
