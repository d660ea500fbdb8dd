import HAL
import Logging
import MiningPool
import Monero
import Primitives
import ProofOfWork
import Stratum

/// Those who are connected: what they say, and what they are told.
extension PoolServer {
    /// A connection.
    struct Miner {
        let address: IPAddress
        var session: StratumSession
        var lines = StratumLines(limit: StratumLines.minerLimit)
        let link: PoolLink
        /// nil: it has not logged in.
        var member: PublicKey?
        var difficulty: ShareDifficulty
        var conduct = MinerConduct()
        /// Jobs of the block to be found now.
        var given: [String: Given] = [:]
    }

    struct Given {
        var template: BlockTemplate
        var extraNonce: [UInt8]
        var job: Job
    }

    /// - Returns: its number; nil: it is not let in.
    func enter(_ host: IPAddress, _ link: PoolLink) -> UInt64? {
        let (address, now) = (host.site, clocks.now().boot)
        guard !bans.isBanned(address, at: now), sockets.count < settings.connectionsMax,
            sockets.values.count(where: { $0 == address }) < settings.connectionsPerAddress
        else {
            tally.turnedAway += 1
            return nil
        }
        lastMiner += 1
        sockets[lastMiner] = address
        let name = Hex.encode((0..<4).map { UInt8(truncatingIfNeeded: lastMiner >> (24 - 8 * UInt64($0))) } + [1])
        miners[lastMiner] = Miner(
            address: address, session: StratumSession(.xmrigProxy, id: name, poolKey: key.publicKey, at: now), link: link,
            difficulty: ShareDifficulty(least: settings.leastDifficulty, at: now))
        return lastMiner
    }

    func leave(_ number: UInt64) { (miners[number], sockets[number]) = (nil, nil) }

    /// Returns when all of it is answered, so that nobody has more than one share checked at a time.
    func read(_ bytes: some Sequence<UInt8>, of number: UInt64) async {
        miners[number]?.lines.append(bytes)
        while miners[number] != nil {
            let line: [UInt8]?
            do throws(StratumLines.TooLong) { line = try miners[number]?.lines.next() } catch {
                return perform(.ban(why: "it says a line without an end"), number)
            }
            guard let line, let actions = miners[number]?.session.handle(line, at: clocks.now().boot) else { return }
            for action in actions {
                switch action {
                case .check(let submission): await check(submission, of: number)
                case .statement(let statement, let request): await show(statement, request, number)
                default: perform(action, number)
                }
            }
        }
    }

    func tick() {
        let now = clocks.now().boot
        bans.forget(at: now)
        rate.count(tally.work, at: now)
        for number in miners.keys.sorted() {
            for action in miners[number]?.session.tick(at: now) ?? [] { perform(action, number) }
            if miners[number]?.member != nil, miners[number]?.difficulty.retarget(at: now) == true { pushJob(number) }
        }
    }

    private func perform(_ action: StratumSession.Action, _ number: UInt64) {
        switch action {
        case .send(let line): miners[number]?.link.send(line)
        case .authorize(let identity): authorize(identity, number)
        case .refused(let refusal):
            tally.refused[refusal, default: 0] += 1
            // Work that came late is true work.
            if refusal != .stale, refusal != .other { judge(isTrue: false, number) }
        case .close(let why):
            logger.debug("mining pool: \(miners[number].map { "\($0.address)" } ?? "somebody") is left: \(why)")
            letGo(number)
        case .ban(let why): ban(number, why)
        case .check, .statement: break
        }
    }

    private func ban(_ number: UInt64, _ why: String) {
        guard let miner = miners[number] else { return }
        tally.bans += 1
        bans.ban(miner.address, at: clocks.now().boot)
        logger.info("mining pool: \(miner.address) is banned for \(BanList.time.wholeSeconds / 60) min: \(why)")
        letGo(number)
    }

    /// After what it was told. What it says from now on is nothing.
    private func letGo(_ number: UInt64) { miners.removeValue(forKey: number)?.link.finish() }

    private func judge(isTrue: Bool, _ number: UInt64) {
        if miners[number]?.conduct.note(isTrue: isTrue) == true { ban(number, "its shares are false") }
    }

    // MARK: Logins and jobs

    private func authorize(_ identity: MinerIdentity, _ number: UInt64) {
        let refuse = { (why: String) in
            for action in self.miners[number]?.session.reject(why) ?? [] { self.perform(action, number) }
        }
        let member: PublicKey
        do throws(AddressError) { member = try Address(identity.account, on: settings.addresses).key } catch {
            return refuse("The login is to be a QLC address, to which is paid: \(error)")
        }
        guard books.hasRoom(for: member) else { return refuse("This pool has as many members as it can keep") }
        // Not refused: whoever is takes it for final.
        guard current != nil else { return perform(.close(why: "there are no jobs now"), number) }
        miners[number]?.member = member
        miners[number]?.difficulty = ShareDifficulty(
            asked: identity.difficulty, least: settings.leastDifficulty, at: clocks.now().boot)
        guard let job = makeJob(for: number) else { return perform(.close(why: "there are no jobs now"), number) }
        for action in miners[number]?.session.admit(job) ?? [] { perform(action, number) }
    }

    func pushJob(_ number: UInt64) {
        guard miners[number]?.member != nil, let job = makeJob(for: number) else { return }
        for action in miners[number]?.session.push(job) ?? [] { perform(action, number) }
    }

    private func makeJob(for number: UInt64) -> Job? {
        guard let current, let miner = miners[number] else { return nil }
        jobCount += 1
        let extraNonce = prefix + (0..<8).map { UInt8(truncatingIfNeeded: jobCount >> (8 * UInt64($0))) }
        let target = Target(difficulty: min(miner.difficulty.difficulty, UInt64(clamping: current.difficulty)))
        guard let job = current.job(String(jobCount, radix: 16), extraNonce: extraNonce, target: target) else { return nil }
        miners[number]?.given[job.id] = Given(template: current, extraNonce: extraNonce, job: job)
        // The session takes no shares of older ones.
        if miner.given.count >= StratumSession.jobsKept,
            let oldest = miner.given.keys.min(by: { ($0.count, $0) < ($1.count, $1) })
        {
            miners[number]?.given[oldest] = nil
        }
        return job
    }

    // MARK: Shares

    private func check(_ submission: StratumSession.Submission, of number: UInt64) async {
        guard let miner = miners[number], let member = miner.member, let given = miner.given[submission.share.jobID] else {
            return refuse(submission, of: number, .stale)
        }
        let blob = given.job.blob(with: submission.share.nonce)
        guard let hash = await checker.hash(blob, seed: given.template.seedHash) else {
            return refuse(submission, of: number, .other, "Share not counted: the pool cannot check it now")
        }
        guard hash == submission.share.hash else {
            refuse(submission, of: number, .invalid)
            return judge(isTrue: false, number)
        }
        let work = submission.target.difficulty
        guard books.record(work, of: member, difficulty: given.template.difficulty) else {
            return refuse(submission, of: number, .other, "This pool has as many members as it can keep")
        }
        tally.accepted += 1
        tally.work = tally.work.saturatingAdd(work)
        answers.append(Answer(miner: number, submission: submission, receipt: books.receipt(for: member)))
        judge(isTrue: true, number)
        if given.template.isFound(hash) { await handIn(given, nonce: submission.share.nonce) }
        if miners[number]?.difficulty.count(work, at: clocks.now().boot) == true { pushJob(number) }
    }

    /// It is on disk.
    func accept(_ answer: Answer) {
        guard let session = miners[answer.miner]?.session else { return }
        let receipt = answer.receipt.map { Hex.encode($0.canonicalBytes) }
        perform(session.accept(answer.submission, receipt: receipt), answer.miner)
    }

    func refuse(_ submission: StratumSession.Submission, of number: UInt64, _ refusal: ShareRefusal, _ why: String? = nil) {
        tally.refused[refusal, default: 0] += 1
        guard let session = miners[number]?.session else { return }
        perform(session.refuse(submission, refusal, why), number)
    }

    private func show(_ statement: UInt64, _ request: JSONRequestID, _ number: UInt64) async {
        guard let member = miners[number]?.member else { return }
        let now = clocks.now().boot
        let turn = max(now, nextStatement)
        nextStatement = turn + Self.statementInterval
        do { if turn > now { try await clocks.sleep(turn - now) } } catch { return }  // cancelled
        let proof: [UInt8]?
        do { proof = try await store.poolBlock(statement)?.proof(for: member)?.canonicalBytes } catch {
            logger.error("mining pool: a statement cannot be read: \(error)")
            proof = nil
        }
        guard let session = miners[number]?.session else { return }
        perform(session.show(request, proof: proof), number)
    }
}

extension IPAddress {
    /// Whom one subscriber's addresses stand for: of IPv6 each has 2⁶⁴ (RFC 6177).
    fileprivate var site: IPAddress {
        isIPv6 ? IPAddress(bytes: bytes.prefix(8) + Array(repeating: 0, count: 8)) ?? self : self
    }
}
