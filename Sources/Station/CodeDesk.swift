import Charging
import Primitives

/// Makes access codes, and turns typed ones into their digests, slowly for those who guess.
actor CodeDesk {
    private let key: [UInt8]
    private var limiter: AttemptLimiter<MACAddress>

    init(key: [UInt8], attemptsPerMinute: Int) {
        self.key = key
        limiter = AttemptLimiter(perMinute: attemptsPerMinute, together: 10 * attemptsPerMinute)
    }

    enum Refusal: Error { case tooMany, malformed }

    func digest(of text: String, typedBy mac: MACAddress, at now: Instant) throws(Refusal) -> Bytes32 {
        guard limiter.allows(mac, at: now) else { throw .tooMany }
        guard let digest = AccessCodeText.digest(of: text, key: key) else { throw .malformed }
        return digest
    }

    /// New codes from the system's random source, numbered from `first` on.
    func make(
        count: Int, first: UInt32, allowance: AccessCode.Allowance, createdAt: WallTime, validUntil: WallTime?
    ) -> [(text: String, code: AccessCode)] {
        (0..<count).map { index in
            let text = AccessCodeText.make(from: .random(in: .min ... .max))
            let code = AccessCode(
                number: first + UInt32(index), digest: AccessCodeText.digest(of: text, key: key)!, allowance: allowance,
                createdAt: createdAt, validUntil: validUntil)
            return (text, code)
        }
    }
}
