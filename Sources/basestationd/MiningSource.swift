import HAL
import Mining
import Primitives
import StationConfiguration

/// Where jobs come from, by the configuration.
enum MiningSource {
    /// nil: mining is off.
    static func make(_ mining: MiningConfiguration, clocks: any Clocks) -> (any JobSource)? {
        if let node = Endpoint(mining.node) { return SoloSource(MoneroNode(at: node), wallet: mining.login, clocks: clocks) }
        return nil
    }
}
