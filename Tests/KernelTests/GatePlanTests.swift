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
        var consumed: UInt64
        var counted: UInt64
        /// By how much the kernel's limit is greater then; nil when the client must be shut and read first.
        var excess: UInt64?
        var testDescription: String { name }
    }

    /// A client whose limit in the kernel is 100.
    @Test(arguments: [
        Raise(name: "in service", asked: 200, consumed: 60, counted: 60, excess: 0),
        Raise(name: "a packet was refused", asked: 200, consumed: 70, counted: 60, excess: 10),
        Raise(name: "traffic went on while reading", asked: 200, consumed: 60, counted: 65, excess: 0),
        Raise(name: "cut off", asked: 200, consumed: 100, counted: 93, excess: nil),
        Raise(name: "cut off, and no more bought", asked: 90, consumed: 100, counted: 93, excess: 7),
        Raise(name: "without limit", asked: .max >> 1, consumed: 70, counted: 60, excess: 10),
        Raise(name: "lowered", asked: 50, consumed: 60, counted: 60, excess: 0),
    ]) func aRaisedLimitMakesGoodWhatWasRefused(_ raise: Raise) throws {
        var held = GateHoldings()
        _ = try plan([.serve(entry(1))], &held)
        let change = GateChange.serve(entry(1, limit: raise.asked))
        let after = try plan([change], &held, use: [mark(1): use(raise.consumed, counted: raise.counted)])
        let client = try #require(held[mark(1)])
        if let excess = raise.excess {
            #expect(client.excess == excess && client.byteLimit == raise.asked && client.service == .forever)
            #expect(after.raised.map(\.mark) == [mark(1)] && after.shut.isEmpty)
        } else {
            #expect(client.byteLimit == nil && client.service == .stopped)
            #expect(after.raised.isEmpty && after.shut.map(\.mark) == [mark(1)])
        }
    }

    @Test func aClientThatIsCutOffWhileItsLimitRisesIsShutAndOpenedAgain() throws {
        var held = GateHoldings()
        for number: UInt32 in 1...3 { _ = try plan([.serve(entry(number, lease: .seconds(9)))], &held) }
        let first = use(60, counted: 60)
        let raise = try plan(
            (1...3).map { .serve(entry($0, limit: 500, lease: .seconds(9))) }, &held,
            use: [mark(1): first, mark(2): first, mark(3): first])
        // The first goes on, the second was refused something, the third so much that it was cut off again.
        let use = [mark(1): use(80, counted: 80), mark(2): use(150, counted: 90), mark(3): use(500, of: 500, counted: 95)]
        let shutting = GatePlan(shutting: raise.raised, holding: held, use: use)
        #expect(shutting.shut.map(\.mark) == [mark(2), mark(3)])
        for (mark, client) in shutting.after { held[mark] = client }
        let opening = GatePlan(
            opening: shutting.shut, holding: held,
            use: [
                mark(2): self.use(160, of: GateTable.noLimit, counted: 90),
                mark(3): self.use(900, of: GateTable.noLimit, counted: 95),
            ])
        for (mark, client) in opening.after { held[mark] = client }
        #expect((1...3).map { held[mark($0)]?.excess } == [0, 70, 805])
        // The next reading was taken under traffic and shows less than was refused.
        _ = try plan(
            [.serve(entry(2, limit: 600, lease: .seconds(9)))], &held, use: [mark(2): self.use(200, of: 570, counted: 180)])
        #expect(held[mark(2)]?.excess == 70)
        _ = try plan(
            [.serve(entry(2, limit: 500, lease: .seconds(9)))], &held, use: [mark(2): self.use(200, of: 670, counted: 130)])
        #expect((1...3).allSatisfy { held[mark($0)]?.byteLimit == 500 && held[mark($0)]?.service == .leased })
    }

    private func use(_ consumed: UInt64, of limit: UInt64 = 100, counted: UInt64) -> GateUse {
        GateUse(
            quota: QuotaObject(name: "q1", limit: limit, consumed: consumed, isDepleted: consumed >= limit), counted: counted)
    }

    private func entry(_ value: UInt32, limit: UInt64? = 100, lease: Nanoseconds? = nil) -> GateEntry {
        GateEntry(
            mark: ClientMark(value)!, port: "lan0", mac: MACAddress(value: UInt64(value)), addresses: [.v4(0x0a00_0000 + value)],
            byteLimit: limit, lease: lease)
    }

    private func plan(
        _ changes: [GateChange], _ held: inout GateHoldings, use: [ClientMark: GateUse] = [:]
    ) throws -> GatePlan {
        let plan = GatePlan(try GateIntent(changes, holding: held, indices: ["lan0": 3]), holding: held, use: use)
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
        let refused = HALError(NetlinkError.refused(request: "add to account", errno: 1, detail: nil), doing: "change the gate")
        #expect(refused.kind == .notPermitted)
        #expect(
            refused.description == "cannot change the gate: it needs CAP_NET_ADMIN; run as root or grant it with "
                + "AmbientCapabilities=CAP_NET_ADMIN in the unit")
        #expect(HALError(NetlinkError.interrupted, doing: "read").kind == .interrupted)
        #expect(HALError(NetlinkError.refused(request: "add to account", errno: 23, detail: nil), doing: "x").kind == .full)
    }
}
