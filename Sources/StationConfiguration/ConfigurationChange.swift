import Charging

/// One difference between two configurations.
public struct ConfigurationChange: Hashable, Sendable, CustomStringConvertible {
    /// `charging.sample_interval`, or `tariff night`.
    public var key: String
    /// As TOML; nil: it was not there, or is not there any more.
    public var old: String?
    public var new: String?
    /// Whether a reload puts it into force, without touching sessions. Else the daemon must be restarted, which sessions survive.
    public var isLive: Bool

    public var description: String {
        let what =
            switch (old, new) {
            case (nil, let new?): "\(key): added \(new)"
            case (let old?, nil): "\(key): \(old) taken out"
            case (let old, let new): "\(key): \(old ?? "") → \(new ?? "")"
            }
        return what + (isLive ? "" : " (from the next start: systemctl restart basestationd)")
    }
}

extension StationConfiguration {
    /// What is in force after a reload of this configuration over `old`, key by key, and what waits for a restart.
    public func changes(from old: StationConfiguration) -> [ConfigurationChange] {
        var changes: [ConfigurationChange] = []
        for section in Section.all {
            for key in section.keys {
                let (before, after) = (key.show(old), key.show(self))
                guard before != after else { continue }
                changes.append(.init(key: "\(section.name).\(key.name)", old: before, new: after, isLive: false))
            }
        }
        for tariff in tariffs {
            let before = old.tariffs.first { $0.id == tariff.id }
            guard before != tariff else { continue }
            changes.append(
                .init(
                    key: "tariff \(tariff.id)", old: before.map { _ in "earlier prices" },
                    new: before == nil ? "for new sessions" : "new prices for new sessions", isLive: true))
        }
        for gone in old.tariffs where !tariffs.contains(where: { $0.id == gone.id }) {
            changes.append(.init(key: "tariff \(gone.id)", old: "for new sessions", new: nil, isLive: true))
        }
        return changes
    }

    /// ``changes(from:)`` in words, a line each.
    public func diff(from old: StationConfiguration) -> [String] { changes(from: old).map(\.description) }
}
