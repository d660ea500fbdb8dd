import HAL
import Logging
import NIOCore
import NIOPosix
import Primitives
import ProofOfWork

/// Hashes what members hand in, in a process of its own, which is there only while shares come.
///
/// It yields to the board's clients like the one that mines; a share waits then. One that waits too long is not counted.
actor ShareChecker {
    /// Members wait for each of their shares before they hand in the next: more than so many do not come from true miners.
    static let openMax = 128
    static let patience = Nanoseconds.seconds(60)
    /// Without a share for so long its memory is the board's again.
    private static let idleLimit = Nanoseconds.seconds(600)
    private static let pause = Nanoseconds.seconds(2)
    private static let tickInterval = Nanoseconds.seconds(1)
    private static let plan = WorkerPlan(isFast: false, threads: 1, usesHugePages: true)

    private struct Question {
        var seed: Bytes32
        var blob: [UInt8]
        var at: Instant
        var answer: CheckedContinuation<Bytes32?, Never>
    }

    private let launcher: WorkerLauncher
    private let clocks: any Clocks
    private let loops: any EventLoopGroup
    private let logger: Logger
    private let wake = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private var open: [UInt32: Question] = [:]
    private var number: UInt32 = 0
    private var process: WorkerProcess?
    private var pid: Int32?
    private var asked = Instant.zero
    private var isOver = false
    private(set) var trouble: String?

    init(_ launcher: WorkerLauncher, clocks: any Clocks, loops: any EventLoopGroup, logger: Logger) {
        (self.launcher, self.clocks, self.loops, self.logger) = (launcher, clocks, loops, logger)
    }

    /// nil: it could not be hashed now.
    func hash(_ blob: [UInt8], seed: Bytes32) async -> Bytes32? {
        guard open.count < Self.openMax, !isOver else { return nil }
        return await withCheckedContinuation { answer in
            number &+= 1
            asked = clocks.now().boot
            open[number] = Question(seed: seed, blob: blob, at: asked, answer: answer)
            process?.tell(.check(number: number, seedHash: seed, blob: blob))
            wake.continuation.yield()
        }
    }

    /// Until it is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepTime() }
            for await _ in wake.stream {
                while !open.isEmpty, !Task.isCancelled {
                    trouble = await runOnce()
                    guard let trouble else { break }
                    logger.warning("mining pool: shares cannot be checked: \(trouble)")
                    do { try await clocks.sleep(Self.pause) } catch { break }  // cancelled
                }
            }
            group.cancelAll()
        }
        isOver = true
        giveUp { _ in true }
    }

    /// One process, from start to end. nil: it ended because it was told to.
    private func runOnce() async -> String? {
        let process: WorkerProcess
        do { process = try await WorkerProcess(launcher, loops: loops) } catch { return "\(error)" }
        self.process = process
        process.tell(.begin(Self.plan))
        for (number, question) in open.sorted(by: { $0.key < $1.key }) {
            process.tell(.check(number: number, seedHash: question.seed, blob: question.blob))
        }
        var failure: String?
        await withTaskCancellationHandler {
            for await report in process.reports {
                switch report {
                case .hello(let hello) where hello.version != WorkerHello.version:
                    failure = "the miner is of another version: install one that fits"
                    process.hangUp()
                case .hello(let hello): pid = hello.pid
                case .checked(let number, let hash): open.removeValue(forKey: number)?.answer.resume(returning: hash)
                case .failure(let words): failure = words
                case .ready, .share, .progress, .resting: break
                }
            }
        } onCancel: {
            process.hangUp()
        }
        await process.end(pid: pid)
        (self.process, pid) = (nil, nil)
        return open.isEmpty || Task.isCancelled ? nil : failure ?? "the miner ended without a word; it is started again"
    }

    private func keepTime() async {
        while true {
            do { try await clocks.sleep(Self.tickInterval) } catch { return }  // cancelled
            let now = clocks.now().boot
            giveUp { now - $0.at > Self.patience }
            if open.isEmpty, now - asked > Self.idleLimit { process?.hangUp() }
        }
    }

    private func giveUp(_ isHopeless: (Question) -> Bool) {
        for (number, question) in open where isHopeless(question) {
            open[number] = nil
            question.answer.resume(returning: nil)
        }
    }
}
