import Primitives
import PublishedVectors
import Testing

/// Published examples of Borsh, each as the value that it stands for in our subset.
@Suite struct Borsh {
    struct File: Decodable { var vectors: [String: String] }
    static let vectors = PublishedVectors.load("borsh.json", as: File.self).vectors

    static let mixture = Mixture(
        foo: 321, bar: 123, u64: 4_294_967_297, i64: -64, flag: true, baz: "testing", pair: [240, 241],
        words: [List([Text("testing")]), List([Text("testing")])], u32s: [Number(21), Number(11)], i32s: [], u128: 128,
        pairs: [Pair([240, 241]), Pair([240, 241])], u64s: [Number(10_000_000_000), Number(100_000_000_000)])

    static let values: [(name: String, check: @Sendable (String) -> Void)] = [
        check("u8 100", Number(UInt8(100))), check("u16 258", Number(UInt16(258))), check("u32 102", Number(UInt32(102))),
        check("u64 103", Number(UInt64(103))), check("u128 104", Number(UInt128(104))), check("i8 -100", Number(Int8(-100))),
        check("i16 -258", Number(Int16(-258))), check("i32 -102", Number(Int32(-102))), check("i64 -103", Number(Int64(-103))),
        check("i128 -104", Number(Int128(-104))), check("bool true", Flag(true)), check("bool false", Flag(false)),
        check("string h\"i", Text("h\"i")), check("vec [true, false]", List([Flag(true), Flag(false)])),
        check("array [true, false]", Flags(first: true, second: false)), check("none", Perhaps<Number<UInt8>>(nil)),
        check("some u32 1", Perhaps(Number(UInt32(1)))), check("set {}", List<Number<UInt8>>([])),
        check("set {1, 2}", List([Number(UInt8(1)), Number(UInt8(2))])),
        check("options", Options(u32: Number(2), text: nil, u8: Number(1))),
        check("nested", Nested(n: 1, b: 2, c: 3)), check("mixture", mixture), check("enum 1 mixture", Choice.mixture(mixture)),
        check("big", Big(u64: .max, u128: .max, bytes: (0...253).map { $0 })),
        check("simple", Simple(w: 123, x: 30_000, y: "hello", z: [1, 2, 3, 4])),
        check("readme", Readme(x: 3_301, y: "liber primus")),
    ]

    @Test(arguments: values.map(\.name)) func isWhatWeWriteAndRead(_ name: String) throws {
        let value = try #require(Self.values.first { $0.name == name })
        value.check(try #require(Self.vectors[name]))
    }

    @Test func leavesNoVectorOut() { #expect(Set(Self.vectors.keys) == Set(Self.values.map(\.name))) }

    private static func check<T: Canonical & Equatable & Sendable>(
        _ name: String, _ value: T
    ) -> (name: String, check: @Sendable (String) -> Void) {
        (
            name,
            { published in
                #expect(Hex.encode(value.canonicalBytes) == published)
                #expect((try? T(canonicalBytes: Hex.decode(published)!)) == value)
            }
        )
    }
}

struct Number<T: FixedWidthInteger & Sendable>: Canonical, Equatable, Sendable {
    var value: T
    init(_ value: T) { self.value = value }
    init() { value = 0 }
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.integer(&value) }
}

struct Flag: Canonical, Equatable {
    var value = false
    init(_ value: Bool) { self.value = value }
    init() {}
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.bool(&value) }
}

struct Flags: Canonical, Equatable {
    var first = false
    var second = false
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.bool(&first)
        try coder.bool(&second)
    }
}

struct Text: Canonical, Equatable {
    var value = ""
    init(_ value: String) { self.value = value }
    init() {}
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.text(&value, limit: 100) }
}

struct Pair: Canonical, Equatable {
    var bytes: [UInt8] = []
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init() {}
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.fixed(&bytes, count: 2) }
}

struct List<T: Canonical & Equatable & Sendable>: Canonical, Equatable, Sendable {
    var items: [T] = []
    init(_ items: [T]) { self.items = items }
    init() {}
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.array(&items, limit: 10) }
}

struct Perhaps<T: Canonical & Equatable & Sendable>: Canonical, Equatable, Sendable {
    var value: T?
    init(_ value: T?) { self.value = value }
    init() {}
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) { try coder.optional(&value) }
}

struct Options: Canonical, Equatable {
    var u32: Number<UInt32>?
    var text: Text?
    var u8: Number<UInt8>?
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.optional(&u32)
        try coder.optional(&text)
        try coder.optional(&u8)
    }
}

struct Nested: Canonical, Equatable {
    var n: UInt8 = 0, b: UInt16 = 0, c: UInt32 = 0
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&n)
        try coder.integer(&b)
        try coder.integer(&c)
    }
}

struct Mixture: Canonical, Equatable {
    var foo: UInt32 = 0, bar: Int32 = 0, u64: UInt64 = 0, i64: Int64 = 0
    var flag = false
    var baz = ""
    var pair: [UInt8] = []
    var words: [List<Text>] = []
    var u32s: [Number<UInt32>] = []
    var i32s: [Number<Int32>] = []
    var u128: UInt128 = 0
    var pairs: [Pair] = []
    var u64s: [Number<UInt64>] = []

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&foo)
        try coder.integer(&bar)
        try coder.integer(&u64)
        try coder.integer(&i64)
        try coder.bool(&flag)
        try coder.text(&baz, limit: 10)
        try coder.fixed(&pair, count: 2)
        try coder.array(&words, limit: 10)
        try coder.array(&u32s, limit: 10)
        try coder.array(&i32s, limit: 10)
        try coder.integer(&u128)
        try coder.array(&pairs, limit: 10)
        try coder.array(&u64s, limit: 10)
    }
}

enum Choice: Canonical, Equatable {
    case number(Number<UInt8>)
    case mixture(Mixture)

    init() { self = .number(Number()) }

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        let known: UInt8 = if case .mixture = self { 1 } else { 0 }
        switch try coder.tag(known) {
        case 0:
            var number = Number<UInt8>()
            if case .number(let held) = self { number = held }
            try coder.nested(&number)
            self = .number(number)
        case 1:
            var mixture = Mixture()
            if case .mixture(let held) = self { mixture = held }
            try coder.nested(&mixture)
            self = .mixture(mixture)
        case let other: throw .invalid("no choice \(other)")
        }
    }
}

struct Big: Canonical, Equatable {
    var u64: UInt64 = 0, u128: UInt128 = 0
    var bytes: [UInt8] = []
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&u64)
        try coder.integer(&u128)
        try coder.fixed(&bytes, count: 254)
    }
}

struct Readme: Canonical, Equatable {
    var x: UInt64 = 0
    var y = ""
    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        try coder.integer(&x)
        try coder.text(&y, limit: 100)
    }
}
