import FoundationEssentials
import OpenSSL

/// One X.509 certificate. Immutable.
public final class SecCertificate {
  /// An X509 of OpenSSL; this object owns one reference.
  package let x509: OpaquePointer

  /// Takes over one reference to the X509.
  package init(owning x509: OpaquePointer) {
    self.x509 = x509
  }

  deinit { X509_free(x509) }
}

/// A certificate from its DER bytes; nil when they are not exactly one certificate.
public func SecCertificateCreateWithData(_ allocator: CFAllocator?, _ data: CFData) -> SecCertificate? {
  data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> SecCertificate? in
    guard let start = bytes.baseAddress else { return nil }
    var cursor: UnsafePointer<UInt8>? = UnsafePointer(start.assumingMemoryBound(to: UInt8.self))
    guard let x509 = d2i_X509(nil, &cursor, bytes.count) else {
      ERR_clear_error()
      return nil
    }
    let certificate = SecCertificate(owning: x509)
    guard let cursor, UnsafeRawPointer(cursor) == start + bytes.count else { return nil }
    return certificate
  }
}

/// The certificate's DER bytes.
public func SecCertificateCopyData(_ certificate: SecCertificate) -> CFData {
  var der: UnsafeMutablePointer<UInt8>?
  let count = i2d_X509(certificate.x509, &der)
  guard count > 0, let der else { return Data() }
  defer { CRYPTO_free(der, nil, 0) }
  return Data(bytes: der, count: Int(count))
}
