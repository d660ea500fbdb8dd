public import HAL
import Primitives

extension SimulatedWorld {
    public mutating func perform(_ deed: SimulatedDeed) {
        switch deed {
        case .join(let number, let stack, let port): join(number, stack, port: port)
        case .leave(let number, let politely): leave(number, politely: politely)
        case .roam(let number): rename(number, takesNewMAC: true)
        case .changeAddress(let number): rename(number, takesNewMAC: false)
        case .addPrivacyAddress(let number): addPrivacyAddress(number)
        case .move(let number, let traffic): move(number, traffic)
        case .stall(let number): change(number) { $0.traffic = nil }
        case .disguise(let number, let victim, let kind):
            guard number != victim, client(victim) != nil else { return }
            change(number) { $0.disguise = SimulatedClient.Disguise(victim: victim, kind: kind) }
            claimDisguised(number)
        case .undisguise(let number):
            change(number) { $0.disguise = nil }
            announce(number)
        case .fault(let fault, let lasting): begin(fault, lasting: lasting)
        case .faultEnds(let fault): end(fault)
        }
    }

    private mutating func change(_ number: Int, _ body: (inout SimulatedClient) -> Void) {
        if let index = index(of: number) { body(&clients[index]) }
    }

    private mutating func join(_ number: Int, _ stack: SimulatedStack, port: Int) {
        guard (1...0xffff).contains(number) else { return }
        if index(of: number) == nil {
            guard clients.count < Self.clientLimit else { return }
            let name = settings.ports[min(max(port, 0), settings.ports.count - 1)]
            let place = clients.firstIndex { $0.number > number } ?? clients.count
            clients.insert(SimulatedClient(number: number, port: name), at: place)
        }
        change(number) { client in
            client.isPresent = true
            client.stack = stack
            client.addresses = SimulatedClient.addresses(number, stack, generation: client.generation)
        }
        announce(number)
    }

    private mutating func leave(_ number: Int, politely: Bool) {
        guard let client = client(number), client.isPresent else { return }
        change(number) { ($0.isPresent, $0.traffic, $0.disguise) = (false, nil, nil) }
        if politely { withdraw(client) }
    }

    private mutating func rename(_ number: Int, takesNewMAC: Bool) {
        guard let client = client(number), client.isPresent else { return }
        withdraw(client)
        change(number) { client in
            client.generation += 1
            if takesNewMAC { client.mac = SimulatedClient.mac(number, generation: client.generation) }
            client.addresses = SimulatedClient.addresses(number, client.stack, generation: client.generation)
        }
        announce(number)
    }

    private mutating func addPrivacyAddress(_ number: Int) {
        guard let client = client(number), client.isPresent, client.stack != .v4,
            client.addresses.count < SimulatedClient.privacyAddressLimit
        else { return }
        let address = SimulatedClient.privacyAddress(&random)
        change(number) { $0.addresses.append(address) }
        announce(number)
    }

    private mutating func move(_ number: Int, _ traffic: SimulatedTraffic) {
        let ends = traffic.lasting.map { elapsed + $0 }
        change(number) { client in
            (client.traffic, client.trafficEnds) = (traffic, ends)
            client.largestPacket = max(client.largestPacket, traffic.packetUp, traffic.packetDown)
        }
    }

    // MARK: who answers for which address

    /// A client says which addresses are its own.
    private mutating func announce(_ number: Int) {
        guard let client = client(number), client.isPresent, hasCarrier(client.port) else { return }
        for address in client.addresses { claim(Neighbour(port: client.port, mac: client.mac, address: address)) }
    }

    /// A spoofer says the same of somebody else's.
    private mutating func claimDisguised(_ number: Int) {
        guard let client = client(number), client.isPresent, let disguise = client.disguise, hasCarrier(client.port),
            let victim = self.client(disguise.victim)
        else { return }
        let mac = disguise.kind == .addresses ? client.mac : victim.mac
        if mac != client.mac, settings.keepsStationKeys, victim.port == client.port { return }
        for address in disguise.kind == .mac ? client.addresses : victim.addresses {
            claim(Neighbour(port: client.port, mac: mac, address: address))
        }
    }

    private mutating func claim(_ neighbour: Neighbour) {
        if let pin = pins[neighbour.address], pin != neighbour { return }
        guard neighbourTable[neighbour.address] != neighbour else { return }
        neighbourTable[neighbour.address] = neighbour
        emit(.neighbour(neighbour))
    }

    private mutating func withdraw(_ client: SimulatedClient) {
        for address in client.addresses {
            let neighbour = Neighbour(port: client.port, mac: client.mac, address: address)
            guard neighbourTable[address] == neighbour, pins[address] == nil else { continue }
            neighbourTable[address] = nil
            emit(.neighbourGone(neighbour))
        }
    }

    private mutating func emit(_ event: LinkEvent) {
        guard linkEvents.count < Self.linkEventLimit else {
            linkEvents = [.resync]
            return
        }
        linkEvents.append(event)
    }

    /// What happened on the links since the last call; `.resync` alone when it was too much.
    public mutating func takeLinkEvents() -> [LinkEvent] {
        defer { linkEvents = [] }
        return linkEvents
    }

    // MARK: faults

    private mutating func begin(_ fault: SimulatedFault, lasting: Nanoseconds?) {
        faultCounts[fault, default: 0] += 1
        lastFault = elapsed
        let couldHear = hasCarrier("")
        switch fault {
        case .countersReset:
            loseGate()
            return
        case .clockJump:
            wallOffset += Int64(random.number(-86_400...86_400))
            return
        case .reboot:
            loseGate()
            neighbourTable = [:]
            pins = [:]
            linkEvents = []
        default: break
        }
        faults[fault, default: 0] += 1
        let length = lasting ?? (fault == .reboot ? .seconds(20) : nil)
        if let length { schedule(SimulatedScriptStep(at: elapsed + length, .faultEnds(fault))) }
        if couldHear, !hasCarrier(""), fault != .reboot {
            for port in settings.ports { emit(.linkDown(port: port)) }
        }
    }

    private mutating func end(_ fault: SimulatedFault) {
        guard let times = faults[fault] else { return }
        faults[fault] = times > 1 ? times - 1 : nil
        guard times == 1 else { return }
        lastFault = elapsed
        if fault == .reboot {
            boots += 1
            bootedAt = Instant(nanoseconds: elapsed.nanoseconds - Int64(Self.bootSeconds) * 1_000_000_000)
        }
        guard [.reboot, .radioGone, .interfaceDown].contains(fault), hasCarrier("") else { return }
        for port in settings.ports { emit(.linkUp(port: port)) }
        for client in clients { announce(client.number) }
    }

    /// All that is wrong is mended.
    public mutating func endFaults() {
        for fault in SimulatedFault.allCases { while faults[fault] != nil { end(fault) } }
    }

    private mutating func loseGate() {
        gate = SimulatedGateModel(flaws: settings.gateFlaws)
        gateLife += 1
        isGateOpen = false
    }
}
