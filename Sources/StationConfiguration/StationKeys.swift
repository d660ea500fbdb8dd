import Charging
import Primitives

/// `[name]` and its keys.
struct Section: Sendable {
    var name: String
    var meaning: String
    var keys: [Key<StationConfiguration>]

    static let all = [
        station, network, wifi, addresses, portal, api, charging, codes, chain, stake, mining, pool, board, simulation, log,
    ]

    private static let station = Section(
        name: "station", meaning: "What it is called and where it keeps its state.",
        keys: [
            Key("name", \.name, .text(1...64), example: "\"Café at the corner\"", "What clients and the owner see."),
            Key(
                "hal", \.hal, .choice, example: "\"linux\"",
                "`linux`: this board's kernel and radios; `simulated`: no hardware, no root."),
            Key(
                "state_directory", \.stateDirectory, .directory, example: "\"/var/lib/basestation\"",
                "Accounts, usage records and keys. What must survive a reinstallation."),
            Key(
                "runtime_directory", \.runtimeDirectory, .directory, example: "\"/run/basestation\"",
                "The control socket and what may be lost at a reboot."),
        ])

    private static let network = Section(
        name: "network", meaning: "Which interfaces it shares.",
        keys: [
            Key(
                "client_ports", \.clientPorts, .ports(1...16), example: "[\"lan0\", \"wlan0\"]",
                "Where clients are beside the Wi-Fi below; `lan0` if there is none. Whoever set these ports up gives addresses there."
            ),
            Key("uplink_port", \.uplinkPort, .port, example: "\"wan0\"", "Where the internet is."),
            Key("sharing", \.sharing, .flag, example: "true", "`false`: nobody is served until it is `true` again."),
            Key(
                "keep_offload", \.keepsOffload, .flag, example: "false",
                "`true` leaves segmentation and receive offload on: less work for the CPU, but one header is billed where the wire had many."
            ),
        ])

    private static let wifi = Section(
        name: "wifi", meaning: "An access point of the station's own. Without `port` there is none.",
        keys: [
            Key("port", \.wifiPort, .port, example: "\"wlan0\"", "The radio's interface; made if it is not there."),
            Key("name", \.wifiName, .text(1...32), example: "\"Café\"", "The network's name (SSID); the station's if left out."),
            Key(
                "country", \.wifiCountry, .country, example: "\"DE\"",
                "Where it stands: its rules say which channels and how much power."),
            Key("channel", \.wifiChannel, .number(1...177), example: "6", "1 to 14: 2.4 GHz; 36 and above: 5 GHz."),
            Key(
                "power_dbm", \.wifiPower, .number(1...30), example: "20",
                "At most; 20 is 100 mW. Never more than the rules allow."),
            Key(
                "wpa3_port", \.wpa3Port, .port, example: "\"wlan0s\"",
                "An interface for a second network, with WPA3; the radio must be able to have two."),
            Key("wpa3_name", \.wpa3Name, .text(1...32), example: "\"Café WPA3\"", "Its name; the first's if left out."),
        ])

    private static let addresses = Section(
        name: "addresses", meaning: "What clients of the station's own access points get, by DHCP and router advertisement.",
        keys: [
            Key(
                "prefix", \.addressPrefix, .prefix, example: "\"10.77\"",
                "The first two numbers of IPv4 addresses; each port has a /24 of it. IPv6 is a /64 of the station's own, and what the uplink delegates to the port."
            ),
            Key(
                "lease_time", \.leaseTime, .time(.seconds(120) ... .seconds(86_400)), example: "\"1h\"",
                "How long a client keeps one."),
        ])

    private static let portal = Section(
        name: "portal", meaning: "The page that clients see first, and the buyers' API.",
        keys: [
            Key("listen_port", \.portalPort, .number(1...65_535), example: "2050", "TCP port on the clients' side."),
            Key(
                "message", \.portalMessage, .text(0...500), example: "\"Welcome! Codes are sold at the bar.\"",
                "A greeting on the page."),
        ])

    private static let api = Section(
        name: "api", meaning: "The control API, for the owner and the technician.",
        keys: [
            Key(
                "control_group", \.controlGroup, .text(1...32), example: "\"basestation\"",
                "Members of this group of users may use the control socket.")
        ])

    private static let charging = Section(
        name: "charging", meaning: "How usage becomes money.",
        keys: [
            Key(
                "default_tariff", \.defaultTariff, .identifier(limit: Tariff.idLimit), example: "\"per-byte\"",
                "The `id` of the tariff that is offered when a client names none. Left out: the first in the file."),
            Key(
                "sample_interval", \.sampleInterval, .time(.milliseconds(50) ... .seconds(10)), example: "\"1s\"",
                "How often the kernel's counters are read."),
            Key(
                "save_interval", \.saveInterval, .time(.seconds(5) ... .seconds(3_600)), example: "\"60s\"",
                "How often a session's usage is written to flash while it grows: what a power cut may cost the station."),
            Key(
                "commit_interval", \.commitInterval, .time(.milliseconds(10) ... .seconds(10)), example: "\"1s\"",
                "In steady state, one write to flash in this time: longer spares the card, shorter answers payments sooner."),
        ])

    private static let codes = Section(
        name: "codes", meaning: "Access codes, for people without a wallet.",
        keys: [
            Key(
                "attempts_per_minute", \.codeAttemptsPerMinute, .number(1...60), example: "5",
                "How many codes a device may try in a minute: what keeps guessing hopeless.")
        ])

    private static let simulation = Section(
        name: "simulation", meaning: "Only with `hal = \"simulated\"`.",
        keys: [
            Key(
                "seed", \.simulatedSeed, .number(0...UInt64(Int64.max)), example: "1",
                "The same seed gives the same clients doing the same things."),
            Key("clients", \.simulatedClients, .number(0...10_000), example: "3", "How many clients there are at the start."),
        ])

    private static let log = Section(
        name: "log", meaning: "What goes to the journal.",
        keys: [
            Key(
                "level", \.logLevel, .word(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
                example: "\"info\"",
                "This and what is more serious.")
        ])
}
