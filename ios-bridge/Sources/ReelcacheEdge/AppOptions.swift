import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a proxy is made from: the options in force.
package struct AppOptions: Sendable {
  package var host: String
  package var port: Int
  package var cacheDir: String
  package var freeDiskReserveBytes: Int
  package var allowPrivate: [ByteString]
  /// PEM text of certificate authorities to trust at origins besides the system's; nil for none.
  package var originCa: Data?
  package var form: UrlForm
  package var logLevel: String
  package var logFormat: LogFormat
  package var evictionDelayMs: Int
  package var core: CoreOptions

  package init(
    host: String,
    port: Int,
    cacheDir: String,
    freeDiskReserveBytes: Int,
    allowPrivate: [ByteString],
    originCa: Data?,
    form: UrlForm,
    logLevel: String,
    logFormat: LogFormat,
    evictionDelayMs: Int,
    core: CoreOptions
  ) {
    self.host = host
    self.port = port
    self.cacheDir = cacheDir
    self.freeDiskReserveBytes = freeDiskReserveBytes
    self.allowPrivate = allowPrivate
    self.originCa = originCa
    self.form = form
    self.logLevel = logLevel
    self.logFormat = logFormat
    self.evictionDelayMs = evictionDelayMs
    self.core = core
  }
}

/// Who wants to know: each is called on the loop.
package struct AppListeners: Sendable {
  /// An exchange is over, at a time in milliseconds since the epoch.
  package let onExchange: @Sendable (ExchangeRunner, Int) -> Void
  package let onEvent: @Sendable (ProxyEvent, ByteString) -> Void

  package init(
    onExchange: @escaping @Sendable (ExchangeRunner, Int) -> Void,
    onEvent: @escaping @Sendable (ProxyEvent, ByteString) -> Void
  ) {
    self.onExchange = onExchange
    self.onEvent = onEvent
  }
}

/// What the library's caller decides; called on the loop.
package struct AppHooks: Sendable {
  /// Gives a URL that an origin takes in place of one that it refused with a status, or nil, from any thread; nil when
  /// nobody can.
  package let resign: (@Sendable (ByteString, Int, @escaping @Sendable (ByteString?) -> Void) -> Void)?

  package init(resign: (@Sendable (ByteString, Int, @escaping @Sendable (ByteString?) -> Void) -> Void)?) {
    self.resign = resign
  }
}

/// Why a proxy could not be started.
package enum AppError: Error {
  /// The cache directory; the message says what to do.
  case directory(String)
  case listen(ListenError)
}
