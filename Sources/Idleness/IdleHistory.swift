public import Primitives

/// Seconds that were watched, that were idle, and that were mined in.
public struct IdleSeconds: Hashable, Sendable {
    public internal(set) var observed: UInt64 = 0
    public internal(set) var idle: UInt64 = 0
    public internal(set) var mined: UInt64 = 0

    public init() {}

    /// Of the idle time, in thousandths; nil: there was none.
    public var minedPermille: UInt64? { idle > 0 ? mined * 1_000 / idle : nil }

    mutating func add(_ other: IdleSeconds) {
        observed = observed.saturatingAdd(other.observed)
        idle = idle.saturatingAdd(other.idle)
        mined = mined.saturatingAdd(other.mined)
        // A rest of a second may have been counted in the hour before.
        idle = min(idle, observed)
        mined = min(mined, idle)
    }
}

/// What the station knows of its own idle time: how much there was, how long it lasts, and what was made of it.
///
/// Idle means that nothing but mining's own affairs (its settings, its owner, its worker, its caution) stood against mining. A board
/// whose clock is not to be believed has totals, and no hours or days. Its canonical bytes are what is kept on disk, about 7 kB.
public struct IdleHistory: Hashable, Sendable {
    public static let hoursOfWeek = 168
    /// Today and the seven before it.
    public static let daysKept = 8
    /// Longer without an event nobody knows what was.
    static let gapMax = Nanoseconds.seconds(60)
    /// A spell that is disturbed for less goes on: a worker that is prepared survives it.
    static let spellGap = Nanoseconds.seconds(60)

    /// Each week weighs three quarters of the one after it.
    public private(set) var hours = [IdleSeconds](repeating: IdleSeconds(), count: hoursOfWeek)
    public private(set) var totals = IdleSeconds()
    private var days = [Day](repeating: Day(), count: daysKept)
    private var spells = IdleSpells()
    /// Hours since 1970 on the owner's clock.
    private var hour: Int64 = -1

    // Of this run alone.
    private var last: Instant?
    private var rest = Rest()
    private var spell: Spell?

    private struct Day: Hashable, Sendable {
        var number: Int32 = -1
        var seconds = IdleSeconds()
    }
    private struct Rest: Hashable, Sendable {
        var (observed, idle, mined) = (Nanoseconds.zero, Nanoseconds.zero, Nanoseconds.zero)
    }
    private struct Spell: Hashable, Sendable {
        var began: Instant
        var hour: Int?
        var lastIdle: Instant
    }

    public init() {}

    // MARK: what is asked

    /// Today, by the owner's clock.
    public func today(at now: Moment, utcOffsetMinutes: Int) -> IdleSeconds {
        days(1, at: now, utcOffsetMinutes)
    }

    /// Today and the six days before it.
    public func week(at now: Moment, utcOffsetMinutes: Int) -> IdleSeconds {
        days(7, at: now, utcOffsetMinutes)
    }

    private func days(_ count: Int32, at now: Moment, _ offset: Int) -> IdleSeconds {
        var sum = IdleSeconds()
        guard now.wall.isCredible else { return sum }
        let today = now.wall.civil(offsetMinutes: offset).day
        for day in days where day.number > today - count && day.number <= today { sum.add(day.seconds) }
        return sum
    }

    /// How long the idle spell that goes on now, or begins now, will likely last from now. nil: too little is known.
    public func expectedIdle(at now: Moment, _ utcOffsetMinutes: Int) -> Nanoseconds? {
        let lasted = spell.map { now.boot - $0.began } ?? .zero
        let hour = spell.map(\.hour) ?? hourOfDay(now, utcOffsetMinutes)
        return spells.remaining(after: lasted, hour: hour)
    }

    private func hourOfDay(_ now: Moment, _ offset: Int) -> Int? {
        now.wall.isCredible ? now.wall.civil(offsetMinutes: offset).secondOfDay / 3_600 : nil
    }

    // MARK: what is told

    /// From the last call until now it was so.
    mutating func account(to now: Moment, isIdle: Bool, isMining: Bool, utcOffsetMinutes: Int) {
        defer { last = now.boot }
        guard let last, now.boot > last else { return }
        follow(isIdle, from: last, to: now, utcOffsetMinutes)
        let passed = min(now.boot - last, Self.gapMax)
        var fresh = IdleSeconds()
        fresh.observed = Self.seconds(&rest.observed, passed)
        if isIdle { fresh.idle = Self.seconds(&rest.idle, passed) }
        if isIdle, isMining { fresh.mined = Self.seconds(&rest.mined, passed) }
        totals.add(fresh)
        guard now.wall.isCredible else { return }
        let civil = now.wall.civil(offsetMinutes: utcOffsetMinutes)
        enter(Int64(civil.day) * 24 + Int64(civil.secondOfDay / 3_600))
        hours[civil.weekday * 24 + civil.secondOfDay / 3_600].add(fresh)
        let place = Int(((civil.day % 8) + 8) % 8)
        if days[place].number != civil.day { days[place] = Day(number: civil.day) }
        days[place].seconds.add(fresh)
    }

    /// What was there of this hour fades when it comes again.
    private mutating func enter(_ hour: Int64) {
        guard hour != self.hour else { return }
        self.hour = hour
        let place = Int(((hour / 24 + 3) % 7 + 7) % 7 * 24 + (hour % 24 + 24) % 24)
        hours[place].observed -= (hours[place].observed + 3) / 4
        hours[place].idle -= (hours[place].idle + 3) / 4
        hours[place].mined -= (hours[place].mined + 3) / 4
    }

    private mutating func follow(_ isIdle: Bool, from last: Instant, to now: Moment, _ offset: Int) {
        if let spell, now.boot - spell.lastIdle > Self.spellGap, !(isIdle && now.boot - last <= Self.gapMax) {
            spells.add(spell.lastIdle - spell.began, hour: spell.hour)
            self.spell = nil
        }
        guard isIdle, now.boot - last <= Self.gapMax else { return }
        if spell == nil { spell = Spell(began: last, hour: hourOfDay(now, offset), lastIdle: now.boot) }
        spell?.lastIdle = now.boot
    }

    private static func seconds(_ rest: inout Nanoseconds, _ passed: Nanoseconds) -> UInt64 {
        rest += passed
        let whole = rest.wholeSeconds
        rest = rest - .seconds(whole)
        return whole
    }
}

extension IdleHistory: Canonical {
    static let version: UInt8 = 1

    public mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        let version = try coder.tag(Self.version)
        guard version == Self.version else { throw .invalid("this history is of version \(version), not \(Self.version)") }
        for index in hours.indices { try hours[index].visit(&coder) }
        try totals.visit(&coder)
        for index in days.indices {
            try coder.integer(&days[index].number)
            try days[index].seconds.visit(&coder)
        }
        try spells.visit(&coder)
        try coder.integer(&hour)
        // Hours since 1970 within what a calendar can say.
        guard (-1...100_000_000).contains(hour) else { throw .invalid("\(hour) is no hour") }
    }
}

extension IdleSeconds {
    /// More seconds than a century has are nobody's.
    static let most: UInt64 = 1 << 32

    mutating func visit(_ coder: inout some CanonicalCoder) throws(CanonicalError) {
        for field in [\IdleSeconds.observed, \.idle, \.mined] { try coder.integer(&self[keyPath: field]) }
        guard observed <= Self.most, idle <= observed, mined <= idle else {
            throw .invalid("\(observed) s watched, \(idle) s idle, \(mined) s mined cannot be")
        }
    }
}
