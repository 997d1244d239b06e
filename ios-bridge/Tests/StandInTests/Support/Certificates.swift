import Foundation
import OpenSSL
import XCTest

/// A certificate with its key, made for a test.
final class Identity: @unchecked Sendable {
  let key: OpaquePointer
  let certificate: OpaquePointer

  /// Signed by an issuer, or by itself. `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
  init(_ name: String, names: String? = nil, issuer: Identity? = nil, isAuthority: Bool = false, days: Int = 30) throws
  {
    key = try XCTUnwrap(shim_EVP_EC_gen("P-256"))
    certificate = try XCTUnwrap(X509_new())
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1..<Int(Int32.max)))
    // A time of validity that is over when `days` is negative.
    X509_gmtime_adj(X509_getm_notBefore(certificate), -400 * 86400)
    X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400)
    X509_set_pubkey(certificate, key)
    let subject = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0)
    X509_set_issuer_name(certificate, issuer.map { X509_get_subject_name($0.certificate) } ?? subject)
    add(NID_basic_constraints, isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE")
    add(NID_key_usage, isAuthority ? "critical,keyCertSign" : "critical,digitalSignature")
    if let names { add(NID_subject_alt_name, names) }
    XCTAssertGreaterThan(X509_sign(certificate, issuer?.key ?? key, EVP_sha256()), 0)
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  var der: Data {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(certificate, &bytes)
    defer { CRYPTO_free(bytes, nil, 0) }
    return bytes.map { Data(bytes: $0, count: Int(count)) } ?? Data()
  }

  var pem: String {
    "-----BEGIN CERTIFICATE-----\n\(der.base64EncodedString(options: .lineLength64Characters))\n-----END CERTIFICATE-----\n"
  }

  private func add(_ kind: Int32, _ value: String) {
    let `extension` = X509V3_EXT_conf_nid(nil, nil, kind, value)
    XCTAssertNotNil(`extension`)
    X509_add_ext(certificate, `extension`, -1)
    X509_EXTENSION_free(`extension`)
  }
}

/// The authority that the tests' process trusts, through SSL_CERT_FILE, and a server's certificate of it.
enum TestAuthority {
  static let root: Identity? = {
    guard let root = try? Identity("Test Root", isAuthority: true) else { return nil }
    let path = "\(NSTemporaryDirectory())/stand-in-root-\(getpid()).pem"
    try? root.pem.write(toFile: path, atomically: true, encoding: .utf8)
    setenv("SSL_CERT_FILE", path, 1)
    atexit {
      if let path = getenv("SSL_CERT_FILE") { unlink(path) }
    }
    return root
  }()

  static func server(names: String = "DNS:localhost,IP:127.0.0.1", days: Int = 30) throws -> Identity {
    try Identity("server", names: names, issuer: XCTUnwrap(root), days: days)
  }
}
