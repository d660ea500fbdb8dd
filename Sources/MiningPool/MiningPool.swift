// MiningPool
