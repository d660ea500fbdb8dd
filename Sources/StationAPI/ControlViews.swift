public import Charging
public import Primitives

// What the control API answers with, and so what `--json` prints: fields are added, never renamed (cli.md).

/// One line of `basestation sessions`.
public struct SessionView: Codable, Hashable, Sendable {
    public var sessionId: String
    public var clientMac: MACAddress
    public var clientAddresses: [IPAddress]
    /// The paying key, or `code 12`, or nil for a free session.
    @OrNull public var buyer: String?
    public var tariffId: String
    /// `active`, `exhausted` (waiting for payment) or `ended`.
    public var state: String
    public var startedAt: WallTime
    @OrNull public var endedAt: WallTime?
    public var durationSeconds: UInt64
    public var bytesUp: UInt64
    public var bytesDown: UInt64
    /// Totals of the session that the kernel may let pass; nil: no limit.
    @OrNull public var grantedBytes: UInt64?
    @OrNull public var grantedSeconds: UInt64?
    public var chargeQlc: QLC
    public var paidQlc: QLC
    @OrNull public var endReason: String?

    public init(
        sessionId: String, clientMac: MACAddress, clientAddresses: [IPAddress], buyer: String?, tariffId: String,
        state: String, startedAt: WallTime, endedAt: WallTime?, durationSeconds: UInt64, bytesUp: UInt64,
        bytesDown: UInt64, grantedBytes: UInt64?, grantedSeconds: UInt64?, chargeQlc: QLC, paidQlc: QLC,
        endReason: String?
    ) {
        self.sessionId = sessionId
        self.clientMac = clientMac
        self.clientAddresses = clientAddresses
        self.buyer = buyer
        self.tariffId = tariffId
        self.state = state
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.durationSeconds = durationSeconds
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.grantedBytes = grantedBytes
        self.grantedSeconds = grantedSeconds
        self.chargeQlc = chargeQlc
        self.paidQlc = paidQlc
        self.endReason = endReason
    }
}

/// `basestation status`.
public struct StatusView: Codable, Hashable, Sendable {
    public struct Port: Codable, Hashable, Sendable {
        public var name: String
        /// `clients` or `uplink`.
        public var role: String
        public var isUp: Bool
        public var addresses: [IPAddress]
        public var bytesReceived: UInt64
        public var bytesSent: UInt64
        public init(name: String, role: String, isUp: Bool, addresses: [IPAddress], bytesReceived: UInt64, bytesSent: UInt64) {
            self.name = name
            self.role = role
            self.isUp = isUp
            self.addresses = addresses
            self.bytesReceived = bytesReceived
            self.bytesSent = bytesSent
        }
    }
    public struct Chain: Codable, Hashable, Sendable {
        public var height: UInt64
        public var finalizedAt: WallTime?
        public var peers: Int
        public var syncing: Bool
        /// `light`, `archive` or `delegate`.
        public var role: String
        /// Why it signs nothing, or no longer runs; nil while all is well.
        @OrNull public var trouble: String?
        public init(
            height: UInt64, finalizedAt: WallTime?, peers: Int, syncing: Bool, role: String, trouble: String?
        ) {
            self.height = height
            self.finalizedAt = finalizedAt
            self.peers = peers
            self.syncing = syncing
            self.role = role
            self.trouble = trouble
        }
    }
    public struct Mining: Codable, Hashable, Sendable {
        public var state: String
        public var reason: String
        public var hashrate: UInt64
        public init(state: String, reason: String, hashrate: UInt64) {
            self.state = state
            self.reason = reason
            self.hashrate = hashrate
        }
    }
    public struct Place: Codable, Hashable, Sendable {
        /// Decimal degrees, WGS 84.
        public var latitude: String
        public var longitude: String
        @OrNull public var accuracyMetres: UInt32?
        public init(latitude: String, longitude: String, accuracyMetres: UInt32?) {
            self.latitude = latitude
            self.longitude = longitude
            self.accuracyMetres = accuracyMetres
        }
    }
    public struct Alert: Codable, Hashable, Sendable {
        public var what: String
        public var mend: String
        public init(what: String, mend: String) {
            self.what = what
            self.mend = mend
        }
    }

    public var stationId: StationID
    public var name: String
    public var version: String
    /// `linux` or `simulated`.
    public var hal: String
    public var uptimeSeconds: UInt64
    public var clockIsCredible: Bool
    public var sharing: Bool
    /// In words, when it does not share.
    public var sharingReason: String
    public var tariffId: String
    public var radios: [String]
    public var ports: [Port]
    public var clients: Int
    public var earnedTodayQlc: QLC
    public var earnedTotalQlc: QLC
    /// Sessions that ended since the store was made.
    public var sessionsTotal: UInt64
    public var bytesTodayUp: UInt64
    public var bytesTodayDown: UInt64
    /// nil until the chain exists.
    @OrNull public var chain: Chain?
    @OrNull public var mining: Mining?
    @OrNull public var temperatureCelsius: Int?
    /// nil without a receiver, or while it knows no place.
    @OrNull public var position: Place?
    public var diskBytesWrittenToday: UInt64
    public var alerts: [Alert]

    public init(
        stationId: StationID, name: String, version: String, hal: String, uptimeSeconds: UInt64, clockIsCredible: Bool,
        sharing: Bool, sharingReason: String, tariffId: String, radios: [String], ports: [Port], clients: Int,
        earnedTodayQlc: QLC, earnedTotalQlc: QLC, sessionsTotal: UInt64, bytesTodayUp: UInt64, bytesTodayDown: UInt64,
        chain: Chain?, mining: Mining?, temperatureCelsius: Int?, position: Place?, diskBytesWrittenToday: UInt64, alerts: [Alert]
    ) {
        self.stationId = stationId
        self.name = name
        self.version = version
        self.hal = hal
        self.uptimeSeconds = uptimeSeconds
        self.clockIsCredible = clockIsCredible
        self.sharing = sharing
        self.sharingReason = sharingReason
        self.tariffId = tariffId
        self.radios = radios
        self.ports = ports
        self.clients = clients
        self.earnedTodayQlc = earnedTodayQlc
        self.earnedTotalQlc = earnedTotalQlc
        self.sessionsTotal = sessionsTotal
        self.bytesTodayUp = bytesTodayUp
        self.bytesTodayDown = bytesTodayDown
        self.chain = chain
        self.mining = mining
        self.temperatureCelsius = temperatureCelsius
        self.position = position
        self.diskBytesWrittenToday = diskBytesWrittenToday
        self.alerts = alerts
    }
}

/// One line of `basestation client list`.
public struct ClientView: Codable, Hashable, Sendable {
    public var mac: MACAddress
    public var port: String
    public var addresses: [IPAddress]
    /// nil: connected, and paying for nothing.
    public var sessionId: String?
    public var blocked: Bool
    public init(mac: MACAddress, port: String, addresses: [IPAddress], sessionId: String?, blocked: Bool) {
        self.mac = mac
        self.port = port
        self.addresses = addresses
        self.sessionId = sessionId
        self.blocked = blocked
    }
}

public struct TariffsView: Codable, Hashable, Sendable {
    /// The one in `GET /v1/offer` when none is asked for.
    public var defaultTariffId: String
    public var tariffs: [Tariff]
    public init(defaultTariffId: String, tariffs: [Tariff]) {
        self.defaultTariffId = defaultTariffId
        self.tariffs = tariffs
    }
}

public struct DefaultTariffRequest: Codable, Hashable, Sendable {
    public var tariffId: String
    public init(tariffId: String) { self.tariffId = tariffId }
}

/// `basestation codes create`.
public struct CodesRequest: Codable, Hashable, Sendable {
    /// Exactly one of the two.
    public var bytes: UInt64?
    public var seconds: UInt64?
    public var count: Int
    public var validSeconds: UInt64?
    public static let countLimit = 1_000
    public init(bytes: UInt64?, seconds: UInt64?, count: Int, validSeconds: UInt64?) {
        self.bytes = bytes
        self.seconds = seconds
        self.count = count
        self.validSeconds = validSeconds
    }
}

public struct CodeView: Codable, Hashable, Sendable {
    public var number: UInt32
    /// Only in the answer that created it: it is not stored.
    public var code: String?
    public var bytes: UInt64?
    public var seconds: UInt64?
    public var usedBytes: UInt64
    public var usedSeconds: UInt64
    public var createdAt: WallTime
    public var validUntil: WallTime?
    /// `unused`, `in use`, `used up`, `expired` or `revoked`.
    public var state: String
    public init(
        number: UInt32, code: String?, bytes: UInt64?, seconds: UInt64?, usedBytes: UInt64, usedSeconds: UInt64,
        createdAt: WallTime, validUntil: WallTime?, state: String
    ) {
        self.number = number
        self.code = code
        self.bytes = bytes
        self.seconds = seconds
        self.usedBytes = usedBytes
        self.usedSeconds = usedSeconds
        self.createdAt = createdAt
        self.validUntil = validUntil
        self.state = state
    }
}

/// Opens an account in the station's own channel book, against money that the owner took by hand.
public struct ChannelRequest: Codable, Hashable, Sendable {
    public var payer: PublicKey
    /// Signs vouchers; the payer's own key if left out.
    public var sessionKey: PublicKey?
    public var depositQlc: QLC
    public init(payer: PublicKey, sessionKey: PublicKey? = nil, depositQlc: QLC) {
        self.payer = payer
        self.sessionKey = sessionKey
        self.depositQlc = depositQlc
    }
}

public struct DepositRequest: Codable, Hashable, Sendable {
    /// The whole deposit after the top-up.
    public var depositQlc: QLC
    public init(depositQlc: QLC) { self.depositQlc = depositQlc }
}

public struct ChannelView: Codable, Hashable, Sendable {
    public var channelId: ChannelID
    public var payer: PublicKey
    public var depositQlc: QLC
    public var paidQlc: QLC
    /// By ended sessions and the open one.
    public var chargedQlc: QLC
    public var voucherSequence: UInt64
    /// The last one: the buyer sees the own signature under what is said to be paid.
    @OrNull public var voucher: Signed<Voucher>?
    public var acceptanceSequence: UInt64
    public var openedAt: WallTime
    public var closed: Bool
    /// The chain that the channel is on, and its vouchers are for; zero: the station's own book.
    public var chainId: Bytes32
    public init(
        channelId: ChannelID, chainId: Bytes32, payer: PublicKey, depositQlc: QLC, paidQlc: QLC, chargedQlc: QLC,
        voucherSequence: UInt64,
        voucher: Signed<Voucher>?, acceptanceSequence: UInt64, openedAt: WallTime, closed: Bool
    ) {
        self.channelId = channelId
        self.chainId = chainId
        self.payer = payer
        self.depositQlc = depositQlc
        self.paidQlc = paidQlc
        self.chargedQlc = chargedQlc
        self.voucherSequence = voucherSequence
        self.voucher = voucher
        self.acceptanceSequence = acceptanceSequence
        self.openedAt = openedAt
        self.closed = closed
    }
}

/// One check of `basestation diagnose`.
public struct CheckView: Codable, Hashable, Sendable {
    public var name: String
    public var passed: Bool
    /// What was found; when it failed, what failed.
    public var finding: String
    public var mend: String
    /// Service is possible, and could be better: `mend` says how.
    public var warning = false
    public init(name: String, passed: Bool, finding: String, mend: String = "") {
        self.name = name
        self.passed = passed
        self.finding = finding
        self.mend = mend
    }

    public static func warning(_ name: String, _ finding: String, mend: String) -> CheckView {
        var check = CheckView(name: name, passed: true, finding: finding, mend: mend)
        check.warning = true
        return check
    }
}

/// `POST /v1/config/diff`
public struct ConfigurationText: Codable, Hashable, Sendable {
    public var text: String
    public init(text: String) { self.text = text }
}

/// `basestation sim …`: what shall happen on the simulated air.
public struct SimulationCommand: Codable, Hashable, Sendable {
    /// `join`, `leave`, `traffic` or `fault`.
    public var action: String
    public var client: Int?
    /// Bytes a second, each direction; for `traffic`.
    public var rateUp: UInt64?
    public var rateDown: UInt64?
    public var seconds: UInt64?
    /// For `fault`: `radio-gone`, `counters-reset`, `interface-down`, `clock-jump`, `disk-full`, `none`.
    public var fault: String?
    /// For `join`: on the air, with the passphrase of this Wi-Fi key.
    public var key: UInt32?
    public init(
        action: String, client: Int? = nil, rateUp: UInt64? = nil, rateDown: UInt64? = nil, seconds: UInt64? = nil,
        fault: String? = nil, key: UInt32? = nil
    ) {
        self.action = action
        self.client = client
        self.rateUp = rateUp
        self.rateDown = rateDown
        self.seconds = seconds
        self.fault = fault
        self.key = key
    }
}
