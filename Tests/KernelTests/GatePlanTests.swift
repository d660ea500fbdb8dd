import HAL
import Netlink
import Primitives
import Testing

@testable import LinuxHAL

/// What is decided without the kernel.
struct GatePlanTests {
    struct Raise: Sendable, CustomTestStringConvertible {
        var name: String
        var asked: UInt64
        var limit: UInt64
        var consumed: UInt64
        var depleted: Bool
        var counted: UInt64
        var testDescription: String { name }
    }

    @Test(
        arguments: [
            (Raise(name: "in service", asked: 200, limit: 100, consumed: 60, depleted: false, counted: 60), 200, nil),
            (Raise(name: "a packet was dropped", asked: 200, limit: 100, consumed: 70, depleted: false, counted: 60), 210, nil),
            (
                Raise(name: "traffic went on while reading", asked: 200, limit: 100, consumed: 60, depleted: false, counted: 65),
                200, nil
            ),
            (Raise(name: "cut off", asked: 200, limit: 100, consumed: 100, depleted: true, counted: 93), 200, 93),
            (
                Raise(name: "cut off, and no more bought", asked: 90, limit: 100, consumed: 100, depleted: true, counted: 93), 90,
                nil
            ),
            (
                Raise(name: "without limit", asked: .max >> 1, limit: 100, consumed: 70, depleted: false, counted: 60), .max >> 1,
                nil
            ),
            (Raise(name: "lowered", asked: 50, limit: 100, consumed: 60, depleted: false, counted: 60), 50, nil),
        ] as [(Raise, UInt64, UInt64?)])
    func kernelLimitGivesWhatIsAskedAndNeverMore(raise: Raise, limit: UInt64, renewedFrom: UInt64?) {
        let quota = QuotaObject(name: "q1", limit: raise.limit, consumed: raise.consumed, isDepleted: raise.depleted)
        let decision = GateQuota(byteLimit: raise.asked, after: GateUse(quota: quota, counted: raise.counted))
        #expect(decision == (renewedFrom.map { .renew(limit: limit, consumed: $0) } ?? .set(limit: limit)))
    }

    private func entry(_ value: UInt32, limit: UInt64? = 100, lease: Nanoseconds? = nil) -> GateEntry {
        GateEntry(
            mark: ClientMark(value)!, port: "lan0", mac: MACAddress(value: UInt64(value)), addresses: [.v4(0x0a00_0000 + value)],
            byteLimit: limit, lease: lease)
    }

    private func plan(_ changes: [GateChange], _ held: inout GateHoldings) throws -> GatePlan {
        let plan = GatePlan(try GateIntent(changes, holding: held, indices: ["lan0": 3]), holding: held, use: [:])
        for (mark, client) in plan.after { held[mark] = client }
        return plan
    }

    @Test func anUnchangedEntryCostsNothingAndALeaseOnlyItsRefresh() throws {
        var held = GateHoldings()
        #expect(try !plan([.serve(entry(1))], &held).batch().isEmpty)
        #expect(try plan([.serve(entry(1))], &held).batch().isEmpty)
        _ = try plan([.serve(entry(2, lease: .seconds(9)))], &held)
        let refresh = try plan([.serve(entry(2, lease: .seconds(9)))], &held).batch()
        #expect(!refresh.isEmpty && refresh.byteCount < 500)
    }

    @Test func theLastWordCounts() throws {
        var held = GateHoldings()
        _ = try plan([.serve(entry(1)), .forget(ClientMark(1)!)], &held)
        #expect(held.clients.isEmpty)
        _ = try plan([.serve(entry(1)), .stop(ClientMark(1)!)], &held)
        #expect(held[ClientMark(1)!]?.bindings.isEmpty == true)
        #expect(throws: HALError.self) { try plan([.forget(ClientMark(1)!), .serve(entry(1))], &held) }
        #expect(try plan([.stop(ClientMark(8)!), .forget(ClientMark(9)!)], &held).batch().isEmpty)
    }

    @Test func tooManyOrImpossibleAddressesAreRefused() throws {
        var held = GateHoldings()
        var many = entry(1)
        many.addresses = Set((1...17).map { .v4($0 << 8) })
        #expect(throws: HALError.self) { try plan([.serve(many)], &held) }
        for address in ["224.0.0.1", "0.0.0.0", "ff02::1", "::"] {
            var odd = entry(1)
            odd.addresses = [IPAddress(address)!]
            #expect(throws: HALError.self) { try plan([.serve(odd)], &held) }
        }
        #expect(held.clients.isEmpty)
    }

    @Test func rulesGetTheStationsPorts() throws {
        let rules = try GateRules(template: rulesTemplate, lan: ["lan0", "wlan0.1"], wan: "usb_0", portalPort: 8080)
        #expect(rules.text.contains("\ndefine LAN = { \"lan0\", \"wlan0.1\" }\ndefine WAN = \"usb_0\"\ndefine PORTAL = 8080\n"))
        for name in ["", "a b", "lan0\"", "$LAN", "sixteen-letters-", ".", "..", "lan0;", "lan\n0", "lån"] {
            #expect(throws: HALError.self, "\(name)") {
                try GateRules(template: rulesTemplate, lan: [name], wan: "wan0", portalPort: 1)
            }
        }
        #expect(throws: HALError.self) { try GateRules(template: "table x", lan: ["lan0"], wan: "wan0", portalPort: 1) }
        #expect(throws: HALError.self) { try GateRules(template: rulesTemplate, lan: ["lan0"], wan: "lan0", portalPort: 1) }
        #expect(throws: HALError.self) { try GateRules(template: rulesTemplate, lan: [], wan: "lan0", portalPort: 1) }
    }

    @Test func failuresSayWhatToDo() {
        let refused = HALError(NetlinkError.refused(request: "add to live", errno: 1, detail: nil), doing: "change the gate")
        #expect(refused.kind == .notPermitted)
        #expect(
            refused.description == "cannot change the gate: it needs CAP_NET_ADMIN; run as root or grant it with "
                + "AmbientCapabilities=CAP_NET_ADMIN in the unit")
        #expect(HALError(NetlinkError.interrupted, doing: "read").kind == .interrupted)
        #expect(HALError(NetlinkError.refused(request: "add to live", errno: 23, detail: nil), doing: "x").kind == .full)
    }
}
