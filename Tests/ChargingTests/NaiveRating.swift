import Charging
import Primitives

/// The tariff once more, written to be obviously right and not to be fast: one formula over whole totals, in 128 bits.
struct NaiveRating {
    var tariff: Tariff

    func charge(for pieces: [Piece], earlier: [DayCharge] = []) -> UInt128 {
        guard !pieces.isEmpty, !tariff.isFree else { return 0 }
        var total = components(pieces)
        if let cap = tariff.capPerDay {
            var byDay: [Int32: UInt128] = [:]
            for end in pieces.indices {
                let step = components(Array(pieces[...end])) - (end == 0 ? 0 : components(Array(pieces[..<end])))
                byDay[pieces[end].key.day, default: 0] += step
                // Under a cap the rest of the day is free, and stays free: what was above is not charged later.
                let spent = earlier.first { $0.day == pieces[end].key.day }?.charged.units ?? 0
                let room = cap.units > spent ? UInt128(cap.units - spent) : 0
                byDay[pieces[end].key.day] = min(byDay[pieces[end].key.day]!, room)
            }
            total = byDay.values.reduce(0, +)
        }
        if let cap = tariff.capPerSession { total = min(total, UInt128(cap.units)) }
        return total
    }

    /// All components without caps.
    private func components(_ pieces: [Piece]) -> UInt128 {
        var total = UInt128(tariff.flat.units)
        if let package = tariff.package {
            var count: UInt128 = 1
            if let size = package.bytes { count = max(count, up(pieces) + down(pieces), size) }
            if let size = package.seconds { count = max(count, UInt128(time(pieces) / 1_000_000_000), size) }
            total += count * UInt128(package.price.units)
        }
        let billed = afterAllowance(pieces)
        for window in Set(pieces.map(\.key.window)) {
            let here = billed.filter { $0.key.window == window }
            let rates = tariff.rates(in: window)
            if let price = rates.second { total += line(UInt128(time(here) / 1_000_000_000), price) }
            if rates.byteUp == rates.byteDown {
                if let price = rates.byteUp { total += line(up(here) + down(here), price) }
            } else {
                if let price = rates.byteUp { total += line(up(here), price) }
                if let price = rates.byteDown { total += line(down(here), price) }
            }
        }
        return total
    }

    private func max(_ count: UInt128, _ used: UInt128, _ size: UInt64) -> UInt128 {
        Swift.max(count, (used + UInt128(size) - 1) / UInt128(size))
    }

    /// The allowance goes to runs of one price as they came, downlink before uplink.
    private func afterAllowance(_ pieces: [Piece]) -> [Piece] {
        var runs: [Piece] = []
        for piece in pieces {
            if runs.last?.key == piece.key {
                runs[runs.count - 1].up += piece.up
                runs[runs.count - 1].down += piece.down
                runs[runs.count - 1].time += piece.time
            } else {
                runs.append(piece)
            }
        }
        var bytes = tariff.freeBytes
        var time = Int64(tariff.freeSeconds) * 1_000_000_000
        for index in runs.indices {
            (runs[index].down, bytes) = runs[index].down > bytes ? (runs[index].down - bytes, 0) : (0, bytes - runs[index].down)
            (runs[index].up, bytes) = runs[index].up > bytes ? (runs[index].up - bytes, 0) : (0, bytes - runs[index].up)
            let used = runs[index].time.count
            (runs[index].time, time) = used > time ? (Nanoseconds(used - time), 0) : (.zero, time - used)
        }
        return runs
    }

    private func line(_ units: UInt128, _ price: Price) -> UInt128 { units * UInt128(price.amount.units) / UInt128(price.per) }
    private func up(_ pieces: [Piece]) -> UInt128 { pieces.reduce(0) { $0 + UInt128($1.up) } }
    private func down(_ pieces: [Piece]) -> UInt128 { pieces.reduce(0) { $0 + UInt128($1.down) } }
    private func time(_ pieces: [Piece]) -> Int64 { pieces.reduce(0) { $0 + $1.time.count } }
}
