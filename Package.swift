// swift-tools-version: 6.2
import PackageDescription

// Modules by layer, lowest first. A target depends only on what stands above it
// in this file: docs/architecture.md draws the same picture.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let collections = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")

func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let c: [Target] = [
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "CNetlink"),
    .target(name: "CTOML"),
    .target(name: "CLinux"),
    .target(name: "CDisk"),
    .target(name: "CDigest"),
    .target(name: "CHost"),
    .systemLibrary(name: "CRandomX", providers: [.apt(["librandomx-dev"])]),
    .target(name: "CMiner"),
    .target(name: "CGPIO", linkerSettings: [.linkedLibrary("gpiod")]),
]

let ground: [Target] = [
    module("Primitives", ["CDigest", crypto]),
    module("BoundedJSON"),
    module("KeyBackup", ["Primitives", crypto, cryptoExtras]),
    module("KeyCustody", ["KeyBackup", "Primitives"]),
]

let hardware: [Target] = [
    module("HAL", ["Primitives"]),
    module("Netlink", ["CNetlink", "Primitives"]),
]

let domain: [Target] = [
    module("Charging", ["Primitives", collections]),
    module("Consensus", ["Primitives"]),
    module("Ledger", ["Consensus", "Charging", "Primitives"]),
    module("Node", ["Ledger", "Consensus", "Primitives"]),
    module("BoardControl", ["HAL", "Primitives"]),
    module("ProofOfWork", ["Primitives"]),
    module("Monero", ["ProofOfWork", "Primitives"]),
    module("Idleness", ["HAL", "Primitives"]),
    module("Stratum", ["ProofOfWork", "BoundedJSON", "Primitives"]),
    module("MiningPool", ["Primitives"]),
]

let adapters: [Target] = [
    module("LinuxHAL", ["HAL", "Netlink", "CLinux", "CGPIO", "Primitives", logging]),
    module("SimulatedHAL", ["HAL", "Primitives"]),
    module("Store", ["Node", "Ledger", "Consensus", "Charging", "MiningPool", "Primitives", "CSQLite", "CDisk"]),
    module("StationConfiguration", ["CTOML", "Stratum", "Idleness", "Charging", "Primitives"]),
    module("Peering", ["Node", "Consensus", "Primitives", nio, nioPosix, nioTLS, nioSSL, logging]),
    module(
        "Mining",
        [
            "MiningPool", "Stratum", "Monero", "ProofOfWork", "Idleness", "HAL", "BoundedJSON", "Primitives",
            "CMiner", nio,
            nioPosix, nioHTTP1, nioSSL, logging,
        ]),
]

let composition: [Target] = [
    module("StationAPI", ["Primitives", "Charging"]),
    module("HTTPGuard", ["Primitives", hummingbirdCore, nio]),
    module(
        "StationClient", ["StationAPI", "Primitives", nio, nioPosix, nioHTTP1]),
    module(
        "Station",
        [
            "StationAPI", "HTTPGuard", "Charging", "BoardControl", "HAL", "Primitives", "CHost", collections, hummingbird,
            lifecycle,
            logging, nio, nioPosix,
        ]),
    module("Chain", ["Node", "Ledger", "Consensus", "Primitives", asyncAlgorithms, logging]),
    module("Settlement", ["Chain", "Node", "Ledger", "Consensus", "Charging", "Primitives", logging]),
    module("ChainAPI", ["BoundedJSON", "Chain", "Node", "Ledger", "Consensus", "Charging", "Primitives"]),
    module("ChainClient", ["StationClient", "StationAPI", "Ledger", "Consensus", "Primitives", nioHTTP1]),
    module("ChainServer", ["ChainAPI", "HTTPGuard", "Primitives", asyncAlgorithms, hummingbird, nio, lifecycle, logging]),
    module("Simulation", ["Node", "Ledger", "Charging", "Consensus", "HAL", "SimulatedHAL", "Primitives", collections, heap]),
]

let programs: [Target] = [
    program(
        "basestationd",
        [
            "Station", "StationAPI", "Mining", "MiningPool", "Stratum", "Idleness", "ProofOfWork", "Settlement", "ChainServer",
            "ChainAPI",
            "Chain",
            "BoardControl", "LinuxHAL", "SimulatedHAL",
            "HAL",
            "Peering",
            "Store", "StationConfiguration", "Node", "Ledger", "Consensus", "Charging", "Primitives", arguments, collections,
            lifecycle,
            signals, logging,
        ]),
    program("basestation-miner", ["ProofOfWork", "Primitives", "CMiner", "CRandomX"]),
    program(
        "basestation",
        [
            "StationAPI", "StationClient", "Store", "StationConfiguration", "Ledger", "Charging", "KeyCustody", "Primitives",
            arguments,
        ]),
    program(
        "qlink",
        [
            "ChainClient", "StationAPI", "StationClient", "KeyCustody", "KeyBackup", "Ledger", "Consensus", "Charging",
            "Primitives",
            arguments, nioHTTP1,
        ]),
]

let testing: [Target] = [
    module("PublishedVectors", path: "Tests/PublishedVectors"),
    tests("ProofOfWorkTests", ["ProofOfWork", "Primitives", "SimulatedHAL"]),
    tests("MoneroTests", ["Monero", "ProofOfWork", "Primitives", "SimulatedHAL", "PublishedVectors"]),
    tests("IdlenessTests", ["Idleness", "HAL", "Primitives", "SimulatedHAL"]),
    tests("StratumTests", ["Stratum", "ProofOfWork", "BoundedJSON", "Primitives", "SimulatedHAL", "PublishedVectors"]),
    tests("PrimitivesTests", ["Primitives", "PublishedVectors", "SimulatedHAL", crypto]),
    tests("KeyBackupTests", ["KeyBackup", "Primitives", "PublishedVectors", "SimulatedHAL"]),
    tests("ConsensusTests", ["Consensus", "Primitives", "SimulatedHAL"]),
    tests("LedgerTests", ["Ledger", "Consensus", "Charging", "Primitives", "PublishedVectors", "SimulatedHAL"]),
    tests("NodeTests", ["Node", "Ledger", "Consensus", "Charging", "Primitives", "SimulatedHAL", heap]),
    module(
        "ChainLab", ["Chain", "Peering", "Store", "Node", "Ledger", "Consensus", "Primitives", logging], path: "Tests/ChainLab"),
    tests("ChainTests", ["ChainLab", "Chain", "Store", "Node", "Ledger", "Consensus", "Primitives"]),
    tests(
        "SettlementTests",
        [
            "ChainLab", "Settlement", "Chain", "Store", "Node", "Ledger", "Consensus", "Charging", "Primitives", "SimulatedHAL",
            logging,
        ]),
    module(
        "ToyLedger", ["ChainAPI", "Chain", "Node", "Ledger", "Consensus", "Primitives", "SimulatedHAL"], path: "Tests/ToyLedger"),
    tests(
        "ChainAPITests",
        [
            "ToyLedger", "BoundedJSON", "ChainAPI", "Chain", "Node", "Ledger", "Consensus", "Charging", "Primitives",
            "SimulatedHAL", logging,
        ]),
    tests(
        "ChainClientTests",
        [
            "ToyLedger", "BoundedJSON", "ChainClient", "ChainAPI", "Chain", "Node", "Lab", "KeyBackup", "StationAPI",
            "StationClient",
            "Ledger",
            "Consensus",
            "Charging", "Primitives", "qlink", hummingbird, nio, logging,
        ]),
    tests("ChargingTests", ["Charging", "Primitives", "SimulatedHAL", collections]),
    tests(
        "BoardControlTests",
        ["BoardControl", "Station", "Charging", "SimulatedHAL", "Lab", "HAL", "Primitives", lifecycle, logging]),
    tests("NetlinkTests", ["Netlink", "Primitives"]),
    module("ToyChain", ["Store", "Charging", "Primitives"], path: "Tests/ToyChain"),
    program("storewriter", ["ToyChain", "Store", "Charging", "Primitives"], path: "Tests/StoreWriter"),
    tests(
        "StoreTests",
        [
            "ToyChain", "Store", "MiningPool", "Node", "Ledger", "Consensus", "Charging", "SimulatedHAL", "Primitives", "CSQLite",
            "storewriter",
        ]),
    tests("StationConfigurationTests", ["StationConfiguration", "Charging", "Primitives", "SimulatedHAL"]),
    tests("PeeringTests", ["Peering", "Primitives", "SimulatedHAL", crypto, nio, nioPosix, nioTLS, nioSSL, logging]),
    tests("SimulatedHALTests", ["SimulatedHAL", "HAL", "Primitives"]),
    program("simulate", ["Simulation", "Primitives", arguments], path: "Tests/Simulate"),
    tests("SimulationTests", ["Simulation", "SimulatedHAL", "Primitives"]),
    tests("TidyTests", []),
    .target(name: "CLab", path: "Tests/Lab/CLab"),
    module("Lab", ["CLab", "Primitives"], path: "Tests/Lab/Lab"),
    // Optimised in every build: a slow generator would be measured instead of the gate.
    .executableTarget(
        name: "labtraffic", path: "Tests/Lab/labtraffic", cSettings: [.unsafeFlags(["-O2"])]),
    program(
        "labrun", ["Lab", "StationAPI", "StationClient", "Charging", "Primitives", arguments],
        path: "Tests/Lab/labrun"),
    .executableTarget(name: "labswitch", path: "Tests/Lab/labswitch", cSettings: [.unsafeFlags(["-O2"])]),
    module(
        "NodeLab", ["Lab", "Ledger", "StationAPI", "StationClient", "Charging", "Primitives"], path: "Tests/Lab/NodeLab"),
    module("MoneroLab", ["Lab", "Mining", "Primitives"], path: "Tests/Lab/MoneroLab"),
    program(
        "devnet",
        [
            "NodeLab", "Lab", "Ledger", "StationAPI", "Charging", "Primitives", "labswitch", "basestationd", "basestation",
            arguments,
        ],
        path: "Tests/Lab/devnet"),
    tests(
        "StationTests",
        [
            "MoneroLab", "Lab", "StationAPI", "StationClient", "StationConfiguration", "Ledger", "Charging", "Primitives",
            "basestationd",
            "basestation", "qlink",
        ]),
    tests(
        "MiningTests",
        [
            "MoneroLab", "Lab", "Mining", "MiningPool", "Store", "Stratum", "Monero", "ProofOfWork", "Idleness", "HAL",
            "SimulatedHAL", "BoundedJSON", "Charging", "Primitives", "PublishedVectors", nio, nioPosix, nioSSL, logging,
        ]),
    tests("MiningPoolTests", ["MiningPool", "Primitives", "SimulatedHAL", "PublishedVectors"]),
    tests("MinerTests", ["Lab", "CMiner", "ProofOfWork", "Primitives", "PublishedVectors"]),
    tests("LinuxHALTests", ["Lab", "LinuxHAL", "HAL", "Primitives", logging]),
    tests(
        "HilTests",
        [
            "Lab", "Station", "BoardControl", "LinuxHAL", "HAL", "Netlink", "StationAPI", "Charging", "Primitives",
            "basestationd",
            "basestation", "qlink", "labtraffic", logging,
        ]),
    .target(name: "CBench", path: "Tests/Bench/CBench", linkerSettings: [.linkedLibrary("randomx")]),
    module("LargeLedger", ["Node", "Ledger", "Consensus", "Charging", "Primitives"], path: "Tests/Bench/LargeLedger"),
    program(
        "lightnode",
        ["LargeLedger", "Chain", "Store", "Node", "Ledger", "Consensus", "Primitives", arguments, logging],
        path: "Tests/Bench/lightnode"),
    program(
        "bench",
        [
            "CBench", "Lab", "NodeLab", "LargeLedger", "Station", "Mining", "Idleness", "ProofOfWork", "LinuxHAL", "Store",
            "Ledger", "Consensus", "Charging", "HAL",
            "Netlink", "Primitives",
            arguments, collections,
            crypto,
            logging,
        ], path: "Tests/Bench/bench"),
    tests(
        "KernelTests",
        ["Lab", "LinuxHAL", "HAL", "Netlink", "StationAPI", "StationClient", "Charging", "Primitives", logging]),
]

/// `make fuzz` builds these, with libFuzzer's `main`: not part of an ordinary build.
let fuzzing: [Target] =
    Context.environment["QLINK_FUZZING"] == nil
    ? []
    : [
        program(
            "fuzz",
            [
                "LinuxHAL", "HAL", "StationConfiguration", "StationAPI", "Netlink", "KeyBackup", "Node", "Stratum", "Monero",
                "MiningPool", "ProofOfWork", "Ledger", "Consensus",
                "Charging", "Primitives",
            ],
            path: "Tests/Fuzz")
    ]

let package = Package(
    name: "basestation",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "basestationd", targets: ["basestationd"]),
        .executable(name: "basestation", targets: ["basestation"]),
        .executable(name: "basestation-miner", targets: ["basestation-miner"]),
        .executable(name: "qlink", targets: ["qlink"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.10.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    ],
    targets: c + ground + hardware + domain + adapters + composition + programs + testing + fuzzing,
    cxxLanguageStandard: .cxx17
)
