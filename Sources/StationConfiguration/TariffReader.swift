import Charging
import Primitives

extension ConfigurationReader {
    private static let megabyte: UInt64 = 1_000_000

    /// One `[[tariff]]`.
    mutating func tariff(_ path: String) -> Tariff {
        var tariff = Tariff(id: "")
        read("\(path).id", &tariff.id, length: 1...Tariff.idLimit)
        if !tariff.id.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }) || tariff.id.isEmpty {
            complain(
                at: "\(path).id", "a tariff's id is 1 to \(Tariff.idLimit) of a-z, 0-9 and -", "for example id = \"per-byte\"")
        }
        read("\(path).name", &tariff.name, length: 0...Tariff.nameLimit)
        tariff.rates = rates(path)
        tariff.flat = qlc("\(path).flat") ?? .zero
        tariff.package = package(path)
        tariff.freeBytes = bytes("\(path).free_data") ?? 0
        tariff.freeSeconds = seconds("\(path).free_time") ?? 0
        tariff.capPerSession = qlc("\(path).cap_session")
        tariff.capPerDay = qlc("\(path).cap_day")
        read("\(path).donations", &tariff.acceptsDonations)
        var offset = 0
        read("\(path).utc_offset_minutes", &offset, in: -840...840)
        tariff.utcOffsetMinutes = Int16(offset)
        tariff.idleTimeout = seconds("\(path).idle_timeout") ?? tariff.idleTimeout
        tariff.hardTimeout = seconds("\(path).hard_timeout") ?? tariff.hardTimeout
        let (least, most) = (qlc("\(path).credit_window_min"), qlc("\(path).credit_window_max"))
        tariff.creditWindow = CreditWindowLimits(
            minimum: least ?? tariff.creditWindow.minimum, maximum: most ?? tariff.creditWindow.maximum)
        let windows = count(of: "\(path).window")
        if windows > Tariff.windowLimit {
            complain(at: "\(path).window", "a tariff has at most \(Tariff.windowLimit) windows", "take some out")
        }
        for index in 0..<min(windows, Tariff.windowLimit) { tariff.windows.append(window("\(path).window[\(index)]")) }
        return tariff
    }

    private mutating func rates(_ path: String) -> Rates {
        var rates = Rates()
        if let second = qlc("\(path).price_per_second") { rates.second = Price(second) }
        if let minute = qlc("\(path).price_per_minute") { rates.second = Price(minute, per: 60) }
        if let hour = qlc("\(path).price_per_hour") { rates.second = Price(hour, per: 3_600) }
        let both = qlc("\(path).price_per_mb")
        rates.byteUp = (qlc("\(path).price_per_mb_up") ?? both).map { Price($0, per: Self.megabyte) }
        rates.byteDown = (qlc("\(path).price_per_mb_down") ?? both).map { Price($0, per: Self.megabyte) }
        if [rates.second, rates.byteUp, rates.byteDown].contains(where: { $0?.amount == .zero }) {
            complain(at: path, "a price is zero", "leave it out: what has no price is free")
        }
        return rates
    }

    private mutating func package(_ path: String) -> Package? {
        let price = qlc("\(path).package_price")
        let (data, time) = (bytes("\(path).package_data"), seconds("\(path).package_time"))
        guard let price else { return nil }
        if data == nil && time == nil {
            complain(
                at: "\(path).package_price", "the package holds nothing", "add package_data = \"1GB\" or package_time = \"1h\"")
        }
        return Package(price: price, bytes: data, seconds: time)
    }

    private mutating func window(_ path: String) -> TimeWindow {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        var days = names
        read("\(path).days", &days)
        var mask: UInt8 = 0
        for day in days {
            if let index = names.firstIndex(of: day) {
                mask |= 1 << UInt8(index)
            } else {
                complain(at: "\(path).days", "\"\(day.prefix(20))\" is no day", "use \(names.joined(separator: ", "))")
            }
        }
        let (from, to) = (minuteOfDay("\(path).from"), minuteOfDay("\(path).to"))
        if from == nil || to == nil {
            complain(at: path, "a window has a beginning and an end", "add from = \"22:00\" and to = \"06:00\"")
        }
        return TimeWindow(days: mask, startMinute: from ?? 0, endMinute: to ?? 0, rates: rates(path))
    }
}
