import NIOSSL

/// Why miners cannot speak TLS with the pool.
public struct PoolCertificateError: Error, Hashable, CustomStringConvertible {
    public var description: String
}

/// The pool's certificate, which members pin by its fingerprint or know by its name.
enum PoolCertificate {
    static func context(_ certificate: String, _ privateKey: String) throws(PoolCertificateError) -> NIOSSLContext {
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: privateKey, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw PoolCertificateError(
                description:
                    "the pool's certificate \(certificate) with the key \(privateKey) cannot be used: \(error); both are PEM files"
            )
        }
    }
}
