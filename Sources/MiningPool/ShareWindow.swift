import Primitives

/// The latest work of all members, as much of it as shares in a block.
///
/// Shares are not kept one by one but by slices of time in which about a 64th of the window was done. Where the window ends within a slice,
/// that slice's members share in what is left of it by their work.
/// ```
///  oldest │ ··cut·│ slice │ slice │ … │ slice, open │ newest
///                 └────────── N = window × difficulty ┘
/// ```
struct ShareWindow {
    /// In a window.
    static let slices: UInt64 = 64
    /// Where a chain's difficulty rose so fast that more would be needed, the oldest go.
    static let slicesMax = 512

    private struct Slice {
        var number: UInt64
        var work: UInt64 = 0
        var parts: [PublicKey: UInt64] = [:]
    }

    private var held: [Slice]

    /// As it was stored, in any order.
    init(_ parts: [SlicePart] = []) {
        held = []
        for part in parts.sorted(by: { ($0.slice, $0.member) < ($1.slice, $1.member) }) {
            if held.last?.number != part.slice { held.append(Slice(number: part.slice)) }
            held[held.count - 1].parts[part.member] = part.work
            held[held.count - 1].work = held[held.count - 1].work.saturatingAdd(part.work)
        }
    }

    /// Earlier ones are kept no more.
    var oldest: UInt64 { held.first?.number ?? 0 }

    /// - Parameter window: N, as of now
    mutating func record(_ work: UInt64, of member: PublicKey, window: UInt64) -> SlicePart {
        if held.isEmpty { held.append(Slice(number: 0)) }
        if held[held.count - 1].work >= max(1, window / Self.slices) {
            held.append(Slice(number: held[held.count - 1].number + 1))
            forget(beyond: window)
        }
        let last = held.count - 1
        let part = (held[last].parts[member] ?? 0).saturatingAdd(work)
        held[last].parts[member] = part
        held[last].work = held[last].work.saturatingAdd(work)
        return SlicePart(slice: held[last].number, member: member, work: part)
    }

    /// Twice the window stays: the next block may be harder.
    private mutating func forget(beyond window: UInt64) {
        var newer: UInt64 = 0
        var keep = 0
        for slice in held.reversed() {
            guard newer < window.saturatingAdd(window), keep < Self.slicesMax else { break }
            (newer, keep) = (newer.saturatingAdd(slice.work), keep + 1)
        }
        held.removeFirst(held.count - keep)
    }

    /// Who did how much of the latest `window` of work, in the order of keys; all of it, while there is less.
    func latest(_ window: UInt64) -> [(member: PublicKey, work: UInt64)] {
        var (left, sums) = (window, [PublicKey: UInt64]())
        for slice in held.reversed() where left > 0 {
            let parts = slice.parts.sorted { $0.key < $1.key }
            let works = slice.work <= left ? parts.map(\.value) : Apportionment.split(left, by: parts.map(\.value))
            for (part, work) in zip(parts, works) where work > 0 {
                sums[part.key] = (sums[part.key] ?? 0).saturatingAdd(work)
            }
            left -= min(left, slice.work)
        }
        return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
