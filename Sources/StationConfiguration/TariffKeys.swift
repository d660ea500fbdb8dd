import Charging
import Primitives

/// Prices as an owner writes them.
struct PriceDraft: Sendable {
    var perSecond: QLC?
    var perMinute: QLC?
    var perHour: QLC?
    var perMB: QLC?
    var perMBUp: QLC?
    var perMBDown: QLC?

    /// CONT-2: decimal units.
    private static let megabyte: UInt64 = 1_000_000

    var rates: Rates {
        let time = [(perSecond, 1), (perMinute, 60), (perHour, 3_600)] as [(QLC?, UInt64)]
        return Rates(
            second: time.lazy.compactMap { amount, seconds in amount.map { Price($0, per: seconds) } }.first,
            byteUp: (perMBUp ?? perMB).map { Price($0, per: Self.megabyte) },
            byteDown: (perMBDown ?? perMB).map { Price($0, per: Self.megabyte) })
    }

    /// What contradicts itself, and the mend.
    var contradiction: (what: String, mend: String)? {
        if [perSecond, perMinute, perHour].compactMap(\.self).count > 1 {
            return ("there are several prices for time", "keep one of price_per_second, price_per_minute and price_per_hour")
        }
        if perMB != nil, perMBUp != nil, perMBDown != nil {
            return ("price_per_mb says nothing beside a price for each direction", "take price_per_mb out, or the other two")
        }
        return nil
    }

    static let keys: [Key<PriceDraft>] = [
        Key(
            "price_per_second", \.perSecond, .money, example: "\"0.0005\"",
            "For a second of connection. One of the three, at most."),
        Key("price_per_minute", \.perMinute, .money, example: "\"0.02\"", "For a minute, charged exactly by the second."),
        Key("price_per_hour", \.perHour, .money, example: "\"1\"", "For an hour, charged exactly by the second."),
        Key(
            "price_per_mb", \.perMB, .money, example: "\"0.01\"",
            "For 1,000,000 bytes in both directions, charged exactly by the byte."),
        Key("price_per_mb_up", \.perMBUp, .money, example: "\"0.02\"", "From the client; stands above `price_per_mb`."),
        Key("price_per_mb_down", \.perMBDown, .money, example: "\"0.005\"", "To the client; stands above `price_per_mb`."),
    ]
}

/// `[[tariff]]`.
struct TariffDraft: Sendable {
    var tariff = Tariff(id: "")
    var prices = PriceDraft()
    var packagePrice: QLC?
    var packageData: UInt64?
    var packageTime: UInt64?
    var flat: QLC?
    var freeData: UInt64?
    var freeTime: UInt64?

    static let keys = naming + PriceDraft.keys.map { $0.lifted(\.prices) } + terms

    private static let naming: [Key<TariffDraft>] =
        [
            Key(
                "id", \.tariff.id, .identifier(limit: Tariff.idLimit), example: "\"per-byte\"",
                "Its name in offers, on the command line and in usage records. Every tariff has one of its own."),
            Key("name", \.tariff.name, .text(0...Tariff.nameLimit), example: "\"Pay as you go\"", "What clients see."),
        ]

    private static let terms: [Key<TariffDraft>] =
        [
            Key("flat", \.flat, .money, example: "\"0.5\"", "Paid once, when a session opens."),
            Key(
                "package_price", \.packagePrice, .money, example: "\"1\"",
                "A bundle bought whole; when it is used up, the next one."),
            Key("package_data", \.packageData, .data, example: "\"1GB\"", "What is in a package, both directions together."),
            Key(
                "package_time", \.packageTime, .seconds(1...year), example: "\"1h\"",
                "How long a package lasts. With both, it ends by whichever comes first."),
            Key("free_data", \.freeData, .data, example: "\"10MB\"", "Not charged: the first bytes of a session."),
            Key("free_time", \.freeTime, .seconds(1...year), example: "\"5m\"", "Not charged: the first seconds of a session."),
            Key("cap_session", \.tariff.capPerSession, .money, example: "\"2\"", "The most that a session costs."),
            Key("cap_day", \.tariff.capPerDay, .money, example: "\"5\"", "The most that a buyer pays on a day."),
            Key(
                "donations", \.tariff.acceptsDonations, .flag, example: "true",
                "Takes payments that pay for nothing, with thanks."),
            Key(
                "utc_offset", \.tariff.utcOffsetMinutes, .utcOffset, example: "\"+02:00\"",
                "What the local clock shows ahead of UTC: for `cap_day` and windows."),
            Key(
                "idle_timeout", \.tariff.idleTimeout, .seconds(10...86_400), example: "\"5m\"",
                "A session without a byte for so long ends, and is charged up to its last byte."),
            Key(
                "hard_timeout", \.tariff.hardTimeout, .seconds(60...604_800), example: "\"24h\"",
                "A session ends after so long, whatever happens."),
            Key(
                "credit_window_min", \.tariff.creditWindow.minimum, .money, example: "\"0.0001\"",
                "The least that a client pays ahead at a time."),
            Key(
                "credit_window_max", \.tariff.creditWindow.maximum, .money, example: "\"1\"",
                "The most that a client pays ahead at a time: what either side risks."),
        ]

    private static let year: UInt64 = 366 * 86_400

    /// The tariff, without its windows.
    var result: Tariff {
        var result = tariff
        result.rates = prices.rates
        result.flat = flat ?? .zero
        result.freeBytes = freeData ?? 0
        result.freeSeconds = freeTime ?? 0
        result.package = packagePrice.map { Package(price: $0, bytes: packageData, seconds: packageTime) }
        return result
    }

    var contradictions: [(key: String, what: String, mend: String)] {
        var found: [(key: String, what: String, mend: String)] = []
        if tariff.id.isEmpty { found.append(("id", "this tariff has no id", "add id = \"per-byte\"")) }
        if let contradiction = prices.contradiction { found.append(("", contradiction.what, contradiction.mend)) }
        if packagePrice != nil, packageData == nil, packageTime == nil {
            found.append(("package_price", "the package holds nothing", "add package_data = \"1GB\" or package_time = \"1h\""))
        }
        if packagePrice == nil, packageData != nil || packageTime != nil {
            let key = packageData != nil ? "package_data" : "package_time"
            found.append(
                (key, "the package has no price", "add package_price = \"1\", or give it away as free_data or free_time"))
        }
        if tariff.creditWindow.minimum > tariff.creditWindow.maximum {
            found.append(("credit_window_min", "credit_window_min is above credit_window_max", "raise credit_window_max to it"))
        }
        return found
    }
}

/// `[[tariff.window]]`.
struct WindowDraft: Sendable {
    var days = Self.everyDay
    var from: UInt16?
    var to: UInt16?
    var prices = PriceDraft()

    static let everyDay: UInt8 = 0x7f

    static let keys: [Key<WindowDraft>] =
        [
            Key("days", \.days, .days, example: "[\"sat\", \"sun\"]", "On which days it begins."),
            Key("from", \.from, .timeOfDay, example: "\"22:00\"", "When it begins, by the local clock (`utc_offset`)."),
            Key("to", \.to, .timeOfDay, example: "\"06:00\"", "When it ends; not later than `from` means on the next day."),
        ] + PriceDraft.keys.map { $0.lifted(\.prices) }

    var result: TimeWindow { TimeWindow(days: days, startMinute: from ?? 0, endMinute: to ?? 0, rates: prices.rates) }

    var contradictions: [(key: String, what: String, mend: String)] {
        var found: [(key: String, what: String, mend: String)] = []
        if from == nil || to == nil {
            found.append(("", "a window has a beginning and an end", "add from = \"22:00\" and to = \"06:00\""))
        }
        if let contradiction = prices.contradiction { found.append(("", contradiction.what, contradiction.mend)) }
        return found
    }
}

extension Form where Value == UInt8 {
    private static let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// Bit 0 is Monday.
    static let days = Form(words: "a list of one or more of \(names.joined(separator: ", ")), each once") {
        guard let list = $0.list, !list.isEmpty, Set(list).count == list.count else { return nil }
        let indexes = list.compactMap { names.firstIndex(of: $0) }
        return indexes.count == list.count ? indexes.reduce(0) { $0 | 1 << UInt8($1) } : nil
    } show: { days in
        TOMLText.list(names.indices.filter { days >> UInt8($0) & 1 == 1 }.map { names[$0] })
    }
}

extension Form where Value == UInt16 {
    /// Minutes since midnight.
    static let timeOfDay = Form(words: "a time of day from 00:00 to 23:59") {
        $0.text.flatMap { clock($0, hours: 0...23) }.map(UInt16.init)
    } show: {
        TOMLText.quoted(clockText(Int($0)))
    }
}

extension Form where Value == Int16 {
    /// Minutes ahead of UTC.
    static let utcOffset = Form(words: "an offset from -14:00 to +14:00 with its sign") {
        guard let text = $0.text, let sign = text.first, sign == "+" || sign == "-",
            let minutes = clock(String(text.dropFirst()), hours: 0...14), minutes <= 840
        else { return nil }
        return Int16(sign == "-" ? -minutes : minutes)
    } show: {
        TOMLText.quoted(($0 < 0 ? "-" : "+") + clockText(Int($0.magnitude)))
    }
}

/// The minutes of `hh:mm`.
private func clock(_ text: String, hours: ClosedRange<Int>) -> Int? {
    let digits = Array(text.utf8)
    guard digits.count == 5, digits[2] == UInt8(ascii: ":"), [0, 1, 3, 4].allSatisfy({ (48...57).contains(digits[$0]) }) else {
        return nil
    }
    let (hour, minute) = (Int(digits[0] - 48) * 10 + Int(digits[1] - 48), Int(digits[3] - 48) * 10 + Int(digits[4] - 48))
    return hours.contains(hour) && minute < 60 ? hour * 60 + minute : nil
}

private func clockText(_ minutes: Int) -> String {
    let pad = { (value: Int) in (value < 10 ? "0" : "") + String(value) }
    return "\(pad(minutes / 60)):\(pad(minutes % 60))"
}
