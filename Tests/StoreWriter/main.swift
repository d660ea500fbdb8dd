import Charging
import Glibc
import Primitives
import Store

// Writes to a store so that StoreTests can kill it, fill its disk, or find it holding the lock. One line to stdout
// for everything that was acknowledged: what the test reads there must be found in the store afterwards.
//
//   storewriter commit DIR          facts 1, 2, 3 … until it is killed; prints each number once it is committed
//   storewriter full DIR LIMIT      the same until there is no room (LIMIT: bytes a file may have, 0: none); then frees room
//   storewriter hold DIR            opens the store and waits for the end of its input
//   storewriter chain DIR           blocks of a toy chain until it is killed; prints each height once it is on the disk
//   storewriter chain-full DIR LIMIT   the same until there is no room, as with full
//   storewriter sign DIR            signing states until it is killed; prints the number of each once it is on the disk
//   storewriter burst DIR BATCH     a voucher for each of BATCH channels a commit, for 3 seconds; prints the rate

/// At once: a line that sits in a buffer when the process is killed was never said.
func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fatalError("storewriter MODE DIR …") }
let directory = arguments[2]
let key = PrivateKey(seed: [UInt8](repeating: 7, count: 32))!

do {
    switch arguments[1] {
    case "commit": try await commitForEver()
    case "full": try await fill(limit: UInt(arguments[3])!)
    case "hold":
        let store = try StationStore(directory: directory, key: key)
        say("open")
        while readLine() != nil {}
        _ = await store.bytesWritten()
    case "chain": try extendForEver()
    case "chain-full": try fillChain(limit: UInt(arguments[3])!)
    case "sign": try signForEver()
    case "burst": try await burst(batch: Int(arguments[3])!)
    default: fatalError("no such mode")
    }
} catch {
    say("error \(error)")
    exit(1)
}

/// Fact `number`: a voucher and a session that tell the same number; every tenth ends a session.
func facts(_ number: UInt64) -> [Record] {
    let id = Bytes32([UInt8](repeating: 1, count: 32))!
    let channel = Channel(
        id: id, payer: key.publicKey, payee: key.publicKey, sessionKey: key.publicKey, deposit: .supply,
        openedAt: WallTime(secondsSince1970: 0))
    var account = ChannelAccount(channel: channel)
    account.voucher = Signed(
        Voucher(channel: id, cumulativeAmount: QLC(units: number), cumulativeBytes: number, sequence: number), by: key)
    let now = Moment(boot: Instant(nanoseconds: Int64(number)), wall: WallTime(secondsSince1970: Int64(number)))
    var session = Session(
        id: SessionID(UInt128(number / 10)), port: "lan0", mac: MACAddress(value: number / 10), addresses: [],
        funding: .channel(id),
        buyer: key.publicKey, tariff: Tariff(id: "t"), mark: 1, at: now)
    session.usage.add(bytesUp: number, in: Usage.Key(day: 0, window: Usage.Key.noWindow))
    var records: [Record] = [.channel(account), .session(session)]
    if number.isMultiple(of: 10) {
        let record = UsageRecord(
            station: key.publicKey, session: SessionID(UInt128(number / 10 - 1)), buyer: nil, accessCode: nil, tariffID: "t",
            mac: MACAddress(value: 1), startedAt: now.wall, endedAt: now.wall, seconds: 1, bytesUp: 1, bytesDown: 2,
            charge: QLC(units: 3), paid: QLC(units: 4), voucher: nil, endReason: .left)
        records.append(.ended(record, visitKey: nil))
    }
    return records
}

func last(_ store: StationStore) async throws -> UInt64 {
    try await store.load().channels.first?.voucher?.claim.sequence ?? 0
}

func commitForEver() async throws {
    let store = try StationStore(directory: directory, key: key)
    var number = try await last(store)
    while true {
        number += 1
        try await store.commit(facts(number))
        say("\(number)")
    }
}

func fill(limit: UInt) async throws {
    signal(SIGXFSZ, SIG_IGN)
    let store = try StationStore(directory: directory, key: key)
    limitFiles(limit)
    var number = try await last(store)
    do {
        while true {
            try await store.commit(facts(number + 1))
            number += 1
        }
    } catch {
        say("refused \(error.kind) \(error)")
    }
    say("acknowledged \(number)")
    if limit > 0 { limitFiles(rlim_t.max) } else { unlink(directory + "/filler") }
    say("kept \(try await last(store))")
    try await store.commit(facts(number + 1))
    say("goes-on \(try await last(store))")
}

func burst(batch: Int) async throws {
    let store = try StationStore(directory: directory, key: key)
    let signature = key.sign([])
    let clock = ContinuousClock()
    let start = clock.now
    var (written, sequence) = (0, UInt64(0))
    while clock.now - start < .seconds(3) {
        sequence += 1
        var records: [Record] = []
        for index in 0..<batch {
            let id = TaggedHash.digest(tag: "test", "\(index)".utf8)
            var account = ChannelAccount(
                channel: Channel(
                    id: id, payer: key.publicKey, payee: key.publicKey, sessionKey: key.publicKey, deposit: .supply,
                    openedAt: WallTime(secondsSince1970: 1_800_000_000)))
            account.voucher = Signed(
                claim: Voucher(
                    channel: id, cumulativeAmount: QLC(units: sequence), cumulativeBytes: sequence, sequence: sequence),
                signature: signature)
            records.append(.channel(account))
        }
        try await store.commit(records)
        written += batch
    }
    let took = clock.now - start
    let milliseconds = took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000
    let activity = await store.activity()
    say(
        "vouchers \(written) milliseconds \(milliseconds) rate \(Int64(written) * 1000 / milliseconds) commits \(activity.commits) "
            + "fsyncs \(activity.fsyncs) bytes_written \(await store.bytesWritten())")
}
