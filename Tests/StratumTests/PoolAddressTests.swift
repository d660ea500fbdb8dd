import Primitives
import Stratum
import Testing

@Suite struct PoolAddressTests {
    private static let print = String(repeating: "ab", count: 32)

    @Test(arguments: [
        ("tcp://pool.example.org:3333", "pool.example.org:3333", PoolAddress.Trust.plain),
        ("stratum+tcp://192.0.2.1:1", "192.0.2.1:1", .plain), ("tls://[2001:db8::1]:65535", "[2001:db8::1]:65535", .names),
        ("stratum+ssl://a:1#any", "a:1", .anybody), ("ssl://a-b_c:1#\(print)", "a-b_c:1", .fingerprint(Bytes32(print)!)),
    ]) func whatOwnersWriteIsUnderstood(text: String, name: String, trust: PoolAddress.Trust) throws {
        let address = try #require(PoolAddress(text))
        #expect(address.name == name && address.trust == trust)
    }

    @Test(arguments: [
        "", "pool.example.org:3333", "http://a:1", "tcp://a", "tcp://a:", "tcp://a:0", "tcp://a:65536", "tcp://:1", "tcp://a b:1",
        "tcp://2001:db8::1:1", "tcp://a:1#any", "tls://a:1#", "tls://a:1#ab", "tls://a/b:1", "tls://user@a:1",
        "tcp://\(String(repeating: "a", count: 254)):1",
    ]) func whatIsNoneIsRefused(text: String) { #expect(PoolAddress(text) == nil) }
}
