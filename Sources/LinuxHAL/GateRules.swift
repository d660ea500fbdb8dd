import Glibc
import HAL
import Netlink

/// The rules of the gate: the board's readable template with this station's ports in it, loaded by `nft`.
struct GateRules {
    static let loadMilliseconds: Int32 = 15_000
    static let loadAttempts = 3

    let text: String

    /// Writes the station's ports over the template's `define` lines.
    init(template: String, lan: [String], wan: String, portalPort: UInt16) throws(HALError) {
        for port in lan + [wan] where !Self.isPortName(port) {
            throw HALError(
                .broken, "\"\(port)\" cannot be the name of an interface",
                mend: "use at most 15 letters, digits, dots, dashes and underscores")
        }
        guard !lan.isEmpty else { throw HALError(.missing, "the gate has no port to meter", mend: "set the client ports") }
        guard !lan.contains(wan) else {
            throw HALError(.busy, "\(wan) is both a client port and the way out", mend: "give clients a port of their own")
        }
        let values = [
            "LAN": "{ " + lan.map { "\"\($0)\"" }.joined(separator: ", ") + " }", "WAN": "\"\(wan)\"", "PORTAL": "\(portalPort)",
        ]
        var missing = Set(values.keys)
        let lines = template.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, words[0] == "define", let value = values[String(words[1])] else { return String(line) }
            missing.remove(String(words[1]))
            return "define \(words[1]) = \(value)"
        }
        guard missing.isEmpty else {
            throw HALError(
                .broken, "the gate's rules have no line `define \(missing.sorted()[0]) = ...`", mend: "restore board/gate.nft")
        }
        text = lines.joined(separator: "\n")
    }

    static func isPortName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
            }
    }

    /// In one transaction: either all rules are as written, or all are as before.
    func load(by path: String, in namespace: NetworkNamespace?) throws(HALError) {
        try TextFile.write(text, to: path)
        // The first load waits for the kernel's modules, which a slow disk may keep: all or nothing, so it may be tried again.
        var (status, words) = (-ETIMEDOUT, "")
        for _ in 0..<Self.loadAttempts where status == -ETIMEDOUT {
            (status, words) = try netlink("load \(path)") { () throws(NetlinkError) in
                try namespace.run { Program.run(["nft", "-f", path], milliseconds: Self.loadMilliseconds) }
            }
        }
        switch status {
        case 0: return
        case -ENOENT:
            throw HALError(.missing, "nftables is not installed", mend: "install it with: apt-get install nftables")
        case -ETIMEDOUT:
            throw HALError(.busy, "nft did not finish loading \(path)", mend: "look at `nft list ruleset` and try again")
        case _ where status == -EPERM || words.contains("Operation not permitted"):
            throw .notPermitted(to: "load \(path)")
        default:
            let first = words.split(separator: "\n").first.map(String.init) ?? "exit status \(status)"
            throw HALError(.broken, "nft refused \(path): \(first)", mend: "see `nft -c -f \(path)`")
        }
    }
}
