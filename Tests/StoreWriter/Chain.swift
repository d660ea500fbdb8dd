import Charging
import Glibc
import Primitives
import Store
import ToyChain

/// Blocks 1, 2, 3 … of a toy chain until it is killed; prints each height once it is on the disk.
func extendForEver() throws {
    var node = try ToyNode(directory: directory, segmentSize: 4_096)
    while true {
        try node.extend()
        say("\(node.ledger.height)")
    }
}

/// The same until there is no room; then goes on with the same node, and once more with one that is started anew.
func fillChain(limit: UInt) throws {
    signal(SIGXFSZ, SIG_IGN)
    var node = try ToyNode(directory: directory, segmentSize: 4_096)
    limitFiles(limit)
    do {
        while true { try node.extend() }
    } catch {
        say("refused \(error.kind) \(error)")
    }
    let acknowledged = node.ledger.height
    say("acknowledged \(acknowledged)")
    if limit > 0 { limitFiles(rlim_t.max) } else { unlink(directory + "/filler") }
    for _ in 0..<40 { try node.extend() }
    say("goes-on \(node.ledger.height) \(node.ledger == ToyLedger(height: acknowledged + 40))")
}

/// Signing states that tell their number until it is killed; prints each once it is on the disk.
func signForEver() throws {
    let file = try SigningFile(directory + "/signing", noted: nil)
    guard file.past.isWhole else {
        say("doubts \(file.past.doubts)")
        return
    }
    var number = file.past.state.map { $0.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) } } ?? 0
    while true {
        number += 1
        try file.write(
            withUnsafeBytes(of: number) { Array($0) } + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 600))
        say("\(number)")
    }
}

func limitFiles(_ bytes: UInt) {
    guard bytes > 0 else { return }
    var limits = rlimit(rlim_cur: bytes, rlim_max: rlim_t.max)
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limits)
}
