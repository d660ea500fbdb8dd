import Charging
import HAL
import OrderedCollections
import Primitives
import StationAPI

/// Wi-Fi keys, one passphrase a buyer.
extension Station {
    func createKey(_ request: KeyRequest) async throws -> KeyView {
        guard (1...WirelessKey.nameLimit).contains(request.name.utf8.count), !request.name.utf8.contains(where: { $0 < 0x20 })
        else {
            throw Problem(.malformed, "a name has 1 to \(WirelessKey.nameLimit) bytes without control characters")
        }
        if let id = request.tariffId, await tariff(id) == nil { throw ChargingError.tariffUnknown(id) }
        let funding = try await funding(of: request)
        let now = clocks.now()
        let number = await cashier.read { ($0.keys.keys.max() ?? 0) + 1 }
        let key = WirelessKey(
            number: number, name: request.name, funding: funding, tariffID: request.tariffId, createdAt: now.wall,
            mac: request.mac)
        _ = try await cashier.submit(.keyCreated(key))
        await seams.keysChanged()
        return try await self.key(number)
    }

    private func funding(of request: KeyRequest) async throws -> Funding? {
        switch (request.channelId, request.codeNumber, request.free) {
        case (nil, nil, false): return nil
        case (let id?, nil, false):
            guard let account = await cashier.read({ $0.channels[id] }) else { throw ChargingError.channelUnknown(id) }
            guard !account.isClosed else { throw ChargingError.channelClosed(id) }
            return .channel(id)
        case (nil, let number?, false):
            guard let code = await cashier.read({ $0.codes.values.first { $0.number == number } }) else {
                throw Problem(.unknown, "there is no access code \(number); basestation codes list shows those that are")
            }
            return .code(code.digest)
        case (nil, nil, true):
            guard let tariff = await tariff(request.tariffId) else {
                throw ChargingError.tariffUnknown(request.tariffId ?? settings.defaultTariffID)
            }
            guard tariff.isFree else { throw ChargingError.notFree(tariff: tariff.id) }
            return .free
        default: throw Problem(.malformed, "a key is paid for by a channel, by a code or by nobody: give one of them")
        }
    }

    func listKeys() async -> [KeyView] {
        await cashier.read { engine in engine.keys.values.map { engine.view($0) } }
    }

    /// With its passphrase.
    func key(_ number: UInt32) async throws -> KeyView {
        guard var view = await cashier.read({ engine in engine.keys[number].map { engine.view($0) } }) else {
            throw ChargingError.keyUnknown(number)
        }
        view.ssid = settings.ssid
        view.passphrase = WirelessKeyText.passphrase(of: number, secret: settings.wirelessSecret)
        return view
    }
}

extension ChargingEngine {
    func view(_ key: WirelessKey) -> KeyView {
        let buyer: String? =
            switch key.funding {
            case .channel(let id): channels[id]?.channel.payer.description
            case .code(let digest): codes[digest].map { "code \($0.number)" }
            case .free, nil: nil
            }
        return KeyView(
            number: key.number, name: key.name, buyer: buyer, tariffId: key.tariffID, mac: key.mac, createdAt: key.createdAt,
            state: key.isRevoked ? "revoked" : key.funding == nil ? "guest" : "in force")
    }
}
