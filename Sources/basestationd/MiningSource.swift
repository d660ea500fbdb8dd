import Mining
import StationConfiguration

/// Where jobs come from, by the configuration.
enum MiningSource {
    /// nil: mining is off.
    static func make(_ configuration: StationConfiguration) -> (any JobSource)? { nil }
}
