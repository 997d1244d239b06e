import Glibc
import OpenSSL

/// The certificates that the system trusts: OpenSSL's default file and folder, or SSL_CERT_FILE and SSL_CERT_DIR.
/// Read once for each setting of the two, since a bundle takes milliseconds to parse.
final class SystemStore: @unchecked Sendable {
  let pointer: OpaquePointer
  private let key: String

  private init?(_ key: String) {
    guard let store = X509_STORE_new() else { return nil }
    X509_STORE_set_default_paths(store)
    ERR_clear_error()
    pointer = store
    self.key = key
  }

  deinit { X509_STORE_free(pointer) }

  static func current() -> SystemStore {
    let key = "\(environment("SSL_CERT_FILE"))\n\(environment("SSL_CERT_DIR"))"
    cache.lock()
    defer { cache.unlock() }
    if let known = cache.store, known.key == key { return known }
    guard let made = SystemStore(key) else { fatalError("no memory for a certificate store") }
    cache.store = made
    return made
  }

  private static let cache = Cache()

  private final class Cache: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    var store: SystemStore?

    init() {
      mutex.initialize(to: pthread_mutex_t())
      pthread_mutex_init(mutex, nil)
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }
  }
}

private func environment(_ name: String) -> String {
  getenv(name).map { String(cString: $0) } ?? ""
}
