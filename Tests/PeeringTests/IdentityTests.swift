import NIOSSL
import Primitives
import Testing

@testable import Peering

@Suite struct IdentityTests {
    @Test func aCertificateSaysItsKey() throws {
        let made = try NIOSSLCertificate(bytes: PeerCertificate(for: key(1)).bytes, format: .der)
        let spki = try made.extractPublicKey().toSPKIBytes()
        #expect(try PeerCertificate.identity(der: made.toDERBytes(), spki: spki) == key(1).publicKey)
        #expect(PeerCertificate(for: key(1)) == PeerCertificate(for: key(1)))
    }

    @Test func everyChangedByteOfACertificateIsNoticed() throws {
        let der = PeerCertificate(for: key(1)).bytes
        let spki = try NIOSSLCertificate(bytes: der, format: .der).extractPublicKey().toSPKIBytes()
        for index in der.indices.dropFirst(3) {
            var changed = der
            changed[index] ^= 1
            #expect(PeerCertificate.identity(der: changed, spki: spki) == nil, "byte \(index)")
        }
        for length in 0..<der.count { #expect(PeerCertificate.identity(der: Array(der[..<length]), spki: spki) == nil) }
    }

    enum Attempt: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case honest, expired, longName
        case tls12, noCertificate, p256, notSelfSigned, twoCertificates, tooLongName, keyOfAnother, noProtocol, otherProtocol
        var testDescription: String { rawValue }
        var isAccepted: Bool { [.honest, .expired, .longName].contains(self) }

        func tls() throws -> NIOSSLContext {
            switch self {
            case .honest: try clientTLS()
            case .expired: try clientTLS(Forgery(notAfter: "19700101000000Z"))
            case .longName: try clientTLS(Forgery(nameLength: 300))
            case .tls12: try clientTLS { ($0.minimumTLSVersion, $0.maximumTLSVersion) = (.tlsv12, .tlsv12) }
            case .noCertificate: try clientTLS { ($0.certificateChain, $0.privateKey) = ([], nil) }
            case .p256: try clientTLS(Forgery(isP256: true))
            case .notSelfSigned: try clientTLS(Forgery(signer: key(98)))
            case .twoCertificates: try clientTLS { $0.certificateChain += $0.certificateChain }
            case .tooLongName: try clientTLS(Forgery(nameLength: 450))
            case .keyOfAnother:
                try clientTLS { $0.privateKey = .privateKey(NIOSSLPrivateKey(customPrivateKey: OthersKey(seed: 98))) }
            case .noProtocol: try clientTLS { $0.applicationProtocols = [] }
            case .otherProtocol: try clientTLS { $0.applicationProtocols = ["h2"] }
            }
        }
    }

    /// The board's clock says 1970 or anything else: dates are not looked at. All else is.
    @Test(arguments: Attempt.allCases) func onlyOneEd25519CertificateAndItsKeyOpenTheDoor(_ attempt: Attempt) async throws {
        let node = try Node(1) { $0.limits.handshake = .seconds(2) }
        let tls = try attempt.tls()
        try await withNodes(node) {
            // A goodbye after the hello, so that whoever was let in is let out.
            let answer = await RawClient(port: node.port, tls: tls).exchange(helloFrame() + frame(FrameType.goodbye, [1]))
            #expect(frames(in: answer).first.map { $0.type == FrameType.hello } == (attempt.isAccepted ? true : nil))
            if attempt.isAccepted { await eventually("it was let in") { !node.goodbyes(of: key(99).publicKey).isEmpty } }
        }
        #expect(node.events.isEmpty != attempt.isAccepted)
    }

    @Test func aDiallerFindsOnlyWhomItNamed() async throws {
        let there = try Node(1)
        try await withNodes(there) {
            let port = await there.port
            let right = try Node(2, dials: [ConfiguredPeer(identity: key(1).publicKey, host: "127.0.0.1", port: port)])
            let wrong = try Node(3, dials: [ConfiguredPeer(identity: key(9).publicKey, host: "127.0.0.1", port: port)])
            try await withNodes(right, wrong) {
                await eventually("the right one is found") { await right.isLinked(to: there.id) }
                #expect(await wrong.network.peers.isEmpty)
            }
            #expect(wrong.events.isEmpty)
        }
    }
}
