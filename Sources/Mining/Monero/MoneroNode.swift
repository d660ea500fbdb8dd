import BoundedJSON
public import Monero
public import NIOCore
import NIOHTTP1
public import NIOPosix
public import Primitives

/// A `monerod`, asked by JSON-RPC over HTTP/1.1 (https://docs.getmonero.org/rpc-library/monerod-rpc/): one connection a request, every
/// answer bounded in size and time.
public struct MoneroNode: Sendable {
    public let address: Endpoint
    private let timeout: TimeAmount
    private let loops: any EventLoopGroup

    /// A template of a full block is some 100 kB of hexadecimal digits.
    private static let answers = JSONBounds(bytes: 4 << 20, depth: 8, values: 4_096)
    private static let wordsMax = 200

    public init(
        at address: Endpoint, timeout: TimeAmount = .seconds(10),
        loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        (self.address, self.timeout, self.loops) = (address, timeout, loops)
    }

    // MARK: What is asked

    public struct Header: Hashable, Sendable {
        public var hash: Bytes32
        public var height: UInt64
        /// Blocks after it.
        public var depth: UInt64
        public var isOrphan: Bool
        /// Piconero.
        public var reward: UInt64
    }

    public struct Info: Hashable, Sendable {
        public var height: UInt64
        public var isSynchronised: Bool
        /// What others say the height is; 0: unknown.
        public var targetHeight: UInt64
    }

    public func info() async throws(MoneroError) -> Info {
        let answer = try await call("get_info")
        return Info(
            height: try answer.number("height"), isSynchronised: answer["synchronized"] != .bool(false),
            targetHeight: try answer.number("target_height"))
    }

    public func lastHeader() async throws(MoneroError) -> Header { try header(await call("get_last_block_header")) }

    public func header(at height: UInt64) async throws(MoneroError) -> Header {
        try header(await call("get_block_header_by_height", .fields(["height": .count(height)])))
    }

    /// nil: it knows no such block.
    public func header(of hash: Bytes32) async throws(MoneroError) -> Header? {
        do throws(MoneroError) {
            return try header(await call("get_block_header_by_hash", .fields(["hash": .text(hash.description)])))
        } catch {
            guard case .refused = error else { throw error }
            return nil
        }
    }

    private func header(_ answer: JSONValue) throws(MoneroError) -> Header {
        guard let header = answer["block_header"] else { throw .silent("monerod says no block header") }
        return Header(
            hash: try header.hash("hash"), height: try header.number("height"), depth: try header.number("depth"),
            isOrphan: header["orphan_status"] == .bool(true), reward: try header.number("reward"))
    }

    /// A block to find, whose reward goes to `wallet`.
    public func template(for wallet: String) async throws(MoneroError) -> BlockTemplate {
        let answer = try await call(
            "get_block_template",
            .fields(["wallet_address": .text(wallet), "reserve_size": .count(BlockTemplate.reservedBytes)]))
        return try BlockTemplate(
            .init(
                block: try answer.bytes("blocktemplate_blob"), hashingBlob: try answer.bytes("blockhashing_blob"),
                reservedOffset: try answer.number("reserved_offset"), height: try answer.number("height"),
                difficulty: try answer.difficulty(), reward: try answer.number("expected_reward"),
                previous: try answer.hash("prev_hash"), seedHash: try answer.hash("seed_hash"),
                nextSeedHash: answer["next_seed_hash"] == .text("") ? nil : try answer.hash("next_seed_hash")))
    }

    /// - Throws: `.refused` if the block is not taken; one that it has already is taken again.
    public func submit(_ block: [UInt8]) async throws(MoneroError) {
        _ = try await call("submit_block", .list([.text(Hex.encode(block))]))
    }

    // MARK: How

    private func call(_ method: String, _ parameters: JSONValue = .fields([:])) async throws(MoneroError) -> JSONValue {
        let request = JSONValue.fields([
            "jsonrpc": .text("2.0"), "id": .text("0"), "method": .text(method), "params": parameters,
        ])
        let body: [UInt8]
        do { body = try await exchange(request.bytes) } catch let error as MoneroError { throw error } catch {
            throw .silent(
                "monerod at \(address) does not answer: \(NetworkWords.of(error)); is it running?")
        }
        let answer: JSONValue
        do throws(JSONBounds.Excess) { answer = try Self.answers.read(body) } catch {
            throw .silent("what answers at \(address) is no monerod: \(error)")
        }
        if let error = answer["error"], error != .null {
            let code = if case .integer(let code)? = error["code"] { Int64(clamping: code) } else { Int64(0) }
            throw Self.refusal(code, error.words("message", limit: Self.wordsMax))
        }
        guard let result = answer["result"] else { throw .silent("what answers at \(address) is no monerod") }
        let status = result.words("status", limit: Self.wordsMax)
        if status == "BUSY" { throw .busy }
        guard status == "OK" else { throw .refused(code: 0, status) }
        return result
    }

    /// By monerod's own codes (Monero `rpc/core_rpc_server_error_codes.h`).
    private static func refusal(_ code: Int64, _ words: String) -> MoneroError {
        switch code {
        case -4, -12: .address(words)  // no address; one to which no block is paid
        case -9: .busy
        default: .refused(code: code, words)
        }
    }

    private func exchange(_ body: [UInt8]) async throws -> [UInt8] {
        let bootstrap = ClientBootstrap(group: loops).connectTimeout(timeout)
        let channel = try await bootstrap.connect(host: "\(address.address)", port: Int(address.port)) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(wrappingChannelSynchronously: channel)
            }
        }
        return try await channel.executeThenClose { inbound, outbound in
            let deadline = channel.channel.eventLoop.scheduleTask(in: timeout) { channel.channel.close(promise: nil) }
            defer { deadline.cancel() }
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/json_rpc")
            for (name, value) in [
                ("host", "\(address)"), ("connection", "close"), ("content-type", "application/json"),
                ("content-length", "\(body.count)"),
            ] { head.headers.add(name: name, value: value) }
            try await outbound.write(contentsOf: [
                HTTPClientRequestPart.head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil),
            ])
            return try await Self.answer(inbound, address)
        }
    }

    private static func answer(
        _ parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, _ address: Endpoint
    ) async throws -> [UInt8] {
        var body: [UInt8] = []
        for try await part in parts {
            switch part {
            case .head(let head):
                guard head.status == .ok else {
                    throw MoneroError.silent(
                        "what answers at \(address) says \(head.status.code); is it monerod's RPC, without a password?")
                }
            case .body(let buffer):
                guard body.count + buffer.readableBytes <= answers.bytes else {
                    throw MoneroError.silent("the answer of \(address) is larger than \(answers.bytes) bytes")
                }
                body += buffer.readableBytesView
            case .end: return body
            }
        }
        throw MoneroError.silent("\(address) broke off its answer")
    }
}

extension JSONValue {
    fileprivate func words(_ name: String, limit: Int) -> String {
        guard case .text(let text)? = self[name] else { return "" }
        return String(text.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(limit).map(Character.init))
    }

    fileprivate func number(_ name: String) throws(MoneroError) -> UInt64 {
        guard case .integer(let value)? = self[name], let number = UInt64(exactly: value) else {
            throw .template("its \(name) is no number")
        }
        return number
    }

    fileprivate func bytes(_ name: String) throws(MoneroError) -> [UInt8] {
        guard case .text(let text)? = self[name], text.utf8.count <= 2 * BlockTemplate.sizeLimit, let bytes = Hex.decode(text)
        else {
            throw .template("its \(name) is not in hexadecimal digits, or too long")
        }
        return bytes
    }

    fileprivate func hash(_ name: String) throws(MoneroError) -> Bytes32 {
        guard case .text(let text)? = self[name], let hash = Bytes32(text) else { throw .template("its \(name) is no hash") }
        return hash
    }

    /// 128 bits as `0x…`, from monerod 0.14 on; before in 64.
    fileprivate func difficulty() throws(MoneroError) -> UInt128 {
        guard case .text(let text)? = self["wide_difficulty"] else { return UInt128(try number("difficulty")) }
        guard text.hasPrefix("0x"), text.utf8.count <= 34, let wide = UInt128(text.dropFirst(2), radix: 16) else {
            throw .template("its wide_difficulty is no number")
        }
        return wide
    }
}
