import Foundation
import OpenSSL
import XCTest

/// A server of TLS for one connection at a time, over blocking sockets.
final class TLSServer: @unchecked Sendable {
  private let listener = RawListener()
  private let context: OpaquePointer
  private let thread = DispatchQueue(label: "test.tls.server")

  var port: UInt16 { listener.port }

  init(_ identity: Identity, chain: [Identity] = [], configure: (OpaquePointer) -> Void = { _ in }) throws {
    context = try XCTUnwrap(SSL_CTX_new(TLS_server_method()))
    SSL_CTX_use_certificate(context, identity.certificate)
    SSL_CTX_use_PrivateKey(context, identity.key)
    let stack = shim_sk_X509_new_null()
    for link in chain { _ = shim_sk_X509_push(stack, link.certificate) }
    shim_SSL_CTX_set1_chain(context, stack)
    shim_sk_X509_free(stack)
    configure(context)
  }

  deinit { SSL_CTX_free(context) }

  /// Takes the next connection and runs a script on it.
  func serve(_ script: @escaping @Sendable (TLSPeer) -> Void) {
    thread.async { script(TLSPeer(self.listener.accept(), self.context)) }
  }
}

/// The server's end of one connection.
final class TLSPeer: @unchecked Sendable {
  let socket: RawSocket
  let ssl: OpaquePointer?

  init(_ socket: RawSocket, _ context: OpaquePointer) {
    self.socket = socket
    ssl = SSL_new(context)
    SSL_set_fd(ssl, socket.descriptor)
  }

  deinit { SSL_free(ssl) }

  /// Whether the handshake succeeds. With TLS 1.3 a client's refusal comes after it, in the first read.
  func accept() -> Bool {
    ERR_clear_error()
    return SSL_accept(ssl) == 1
  }

  @discardableResult
  func write(_ data: Data) -> Bool {
    data.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) == Int32($0.count) }
  }

  func read(_ count: Int) -> Data {
    var data = Data()
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while data.count < count {
      let got = SSL_read(ssl, &bytes, Int32(min(count - data.count, bytes.count)))
      if got <= 0 { break }
      data.append(contentsOf: bytes[..<Int(got)])
    }
    return data
  }

  /// All until the client's close_notify; nil in its place when the stream was cut.
  func readToEnd() -> Data? {
    var data = Data()
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let got = SSL_read(ssl, &bytes, Int32(bytes.count))
      if got > 0 {
        data.append(contentsOf: bytes[..<Int(got)])
      } else {
        return SSL_get_error(ssl, got) == SSL_ERROR_ZERO_RETURN ? data : nil
      }
    }
  }

  func closeNotify() { SSL_shutdown(ssl) }

  var serverName: String? { SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) } }

  /// The reason of the last error, such as the number of the client's alert plus 1000.
  var reason: Int32 { shim_ERR_GET_REASON(ERR_peek_last_error()) }
}
