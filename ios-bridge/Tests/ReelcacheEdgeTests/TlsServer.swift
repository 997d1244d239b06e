#if os(Linux)
  /// TLS for the scripted origin: OpenSSL over blocking sockets, with a certificate of its own made in the process.
  import Foundation
  import OpenSSL
  import XCTest

  final class TlsServer: @unchecked Sendable {
    let der: Data
    fileprivate let context: OpaquePointer
    private let lock = NSLock()
    private var seenNames: [String] = []
    private var seenOffers: [Data] = []

    /// `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
    init(_ names: String, newest: Int32 = TLS1_3_VERSION) throws {
      // OpenSSL writes to sockets whose client may be gone.
      signal(SIGPIPE, SIG_IGN)
      let key = try XCTUnwrap(shim_EVP_EC_gen("P-256"))
      defer { EVP_PKEY_free(key) }
      let certificate = try selfSigned(names, key)
      defer { X509_free(certificate) }
      var bytes: UnsafeMutablePointer<UInt8>?
      let count = i2d_X509(certificate, &bytes)
      der = bytes.map { Data(bytes: $0, count: Int(count)) } ?? Data()
      CRYPTO_free(bytes, nil, 0)
      context = try XCTUnwrap(SSL_CTX_new(TLS_server_method()))
      SSL_CTX_use_certificate(context, certificate)
      SSL_CTX_use_PrivateKey(context, key)
      SSL_CTX_set_security_level(context, 0)
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_VERSION), nil)
      SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(newest), nil)
      SSL_CTX_set_alpn_select_cb(
        context,
        { _, _, _, offer, count, server in
          if let server, let offer {
            Unmanaged<TlsServer>.fromOpaque(server).takeUnretainedValue().note(Data(bytes: offer, count: Int(count)))
          }
          return SSL_TLSEXT_ERR_NOACK
        },
        Unmanaged.passUnretained(self).toOpaque()
      )
    }

    deinit { SSL_CTX_free(context) }

    var pem: Data {
      let text = der.base64EncodedString(options: .lineLength64Characters)
      return Data("-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n".utf8)
    }

    /// The names that clients asked for, "" for none.
    var names: [String] { lock.withLock { seenNames } }

    /// The protocols that clients offered, as on the wire.
    var offers: [Data] { lock.withLock { seenOffers } }

    fileprivate func note(_ name: String) {
      lock.withLock { seenNames.append(name) }
    }

    private func note(_ offer: Data) {
      lock.withLock { seenOffers.append(offer) }
    }
  }

  /// One connection. OpenSSL's object is used by one thread at a time, so a reader looks before it reads.
  final class TlsStream: RawStream, @unchecked Sendable {
    private let server: TlsServer
    private let descriptor: Int32
    private let ssl: OpaquePointer
    private let lock = NSLock()

    /// Shakes hands; nil when that fails.
    init?(_ server: TlsServer, _ descriptor: Int32) {
      guard let ssl = SSL_new(server.context) else { return nil }
      self.server = server
      self.descriptor = descriptor
      self.ssl = ssl
      SSL_set_fd(ssl, descriptor)
      ERR_clear_error()
      let shaken = SSL_accept(ssl) == 1
      server.note(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) } ?? "")
      if !shaken { return nil }
    }

    deinit { SSL_free(ssl) }

    func read() -> Data? {
      var room = [UInt8](repeating: 0, count: 16_384)
      while true {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let pending = lock.withLock { SSL_pending(ssl) }
        if pending == 0 && poll(&poller, 1, -1) <= 0 { return nil }
        let count = lock.withLock { () -> Int32 in
          ERR_clear_error()
          return SSL_read(ssl, &room, Int32(room.count))
        }
        return count > 0 ? Data(room[..<Int(count)]) : nil
      }
    }

    func write(_ bytes: Data) -> Bool {
      bytes.withUnsafeBytes { buffer in
        lock.withLock {
          ERR_clear_error()
          return SSL_write(ssl, buffer.baseAddress, Int32(buffer.count)) == Int32(buffer.count)
        }
      }
    }

    func finish() {
      lock.withLock { _ = SSL_shutdown(ssl) }
      shutdown(descriptor, Int32(SHUT_WR))
    }

    func cut() {
      shutdown(descriptor, Int32(SHUT_WR))
    }
  }

  private func selfSigned(_ names: String, _ key: OpaquePointer) throws -> OpaquePointer {
    let certificate = try XCTUnwrap(X509_new())
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1..<Int(Int32.max)))
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86_400)
    X509_set_pubkey(certificate, key)
    let subject = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, "origin.test", -1, -1, 0)
    X509_set_issuer_name(certificate, subject)
    for (kind, value) in [(NID_basic_constraints, "critical,CA:TRUE"), (NID_subject_alt_name, names)] {
      let addition = try XCTUnwrap(X509V3_EXT_conf_nid(nil, nil, kind, value))
      X509_add_ext(certificate, addition, -1)
      X509_EXTENSION_free(addition)
    }
    XCTAssertGreaterThan(X509_sign(certificate, key, EVP_sha256()), 0)
    return certificate
  }
#endif
