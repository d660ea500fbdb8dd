import HAL
import Mining
import MiningPool
import Primitives
import StationConfiguration
import Stratum

/// Where jobs come from, by the configuration.
enum MiningSource {
    /// nil: mining is off.
    static func make(_ mining: MiningConfiguration, held: [PoolMembership], clocks: any Clocks) -> (any JobSource)? {
        if let node = Endpoint(mining.node) { return SoloSource(MoneroNode(at: node), wallet: mining.login, clocks: clocks) }
        let pools = mining.pools.compactMap { PoolAddress($0) }
        guard !pools.isEmpty else { return nil }
        let login = StratumLogin(
            login: mining.login, password: mining.password, rig: mining.rig, agent: "qlink-basestation/0.1.0")
        return PoolList(pools, login, held: held, clocks: clocks)
    }
}
