import MiningPool
import Testing
