import Primitives
import SimulatedHAL
import Testing

@testable import Ledger

@Suite struct PlaceIndexTests {
    /// Hashes that collide much, in place and in tag.
    @Test(arguments: 0..<30 as Range<UInt64>) func anyHistoryFindsWhatIsThere(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let isTight = seed % 2 == 0
        let hashes = (0..<400).map { _ in
            Int(truncatingIfNeeded: isTight ? random.next() % 24 &* 0x1000_0000_0000_0003 : random.next())
        }
        var index = PlaceIndex()
        var there: Set<Int> = []
        for step in 0..<2_000 {
            let place = random.number(0...(step < 1_000 ? 399 : 99))
            if there.remove(place) != nil {
                index.remove(place, hashes[place]) { hashes[$0] }
            } else {
                there.insert(place)
                index.insert(place, hashes[place]) { hashes[$0] }
            }
            #expect(index.count == there.count, "seed \(seed), step \(step)")
            if step % 100 == 0 {
                let found = Set(hashes.indices.filter { place in index.find(hashes[place]) { $0 == place } == place })
                #expect(found == there, "seed \(seed), step \(step)")
            }
        }
    }

    @Test func aFullIndexStillEndsItsSearches() {
        var index = PlaceIndex()
        for place in 0..<14 { index.insert(place, 15) { _ in 15 } }
        #expect(index.find(15) { $0 == 13 } == 13)
        #expect(index.find(15) { _ in false } == nil)
        index.remove(0, 15) { _ in 15 }
        #expect(index.find(15) { $0 == 13 } == 13)
    }

    @Test func roomAndCopiesChangeNothing() {
        var index = PlaceIndex()
        for place in 0..<10 { index.insert(place, place) { $0 } }
        let before = index
        index.reserve(10_000) { $0 }
        for place in 10..<5_000 { index.insert(place, place) { $0 } }
        index.remove(3, 3) { $0 }
        #expect(index.count == 4_999 && before.count == 10)
        #expect(before.find(3) { $0 == 3 } == 3 && index.find(3) { $0 == 3 } == nil)
        #expect(index.find(4_999) { $0 == 4_999 } == 4_999 && before.find(4_999) { $0 == 4_999 } == nil)
    }
}
