import ReelcacheCore
import ReelcacheEdge

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The edge's view of the options. Throws a `StartError` when the file of certificate authorities cannot be read.
func appOptions(_ options: ServerOptions, _ hooks: ServerHooks) throws -> AppOptions {
  AppOptions(
    host: options.host,
    port: options.port,
    cacheDir: options.cacheDir,
    freeDiskReserveBytes: options.freeDiskReserveBytes,
    allowPrivate: options.allowPrivate.map(wireText),
    originCa: try certificates(options.originCa),
    form: options.form == .query ? .query : .path,
    logLevel: options.logLevel,
    logFormat: options.logFormat == "pretty" ? .pretty : .json,
    evictionDelayMs: options.evictionDelayMs,
    core: coreOptions(options, hooks)
  )
}

/// The core's view of the options.
func coreOptions(_ options: ServerOptions, _ hooks: ServerHooks) -> CoreOptions {
  var limits = defaultLimits
  for (name, field) in limitFields {
    if let value = options.limits[name.description] { limits[keyPath: field] = value }
  }
  return CoreOptions(
    limits: limits,
    policy: options.policy == .media ? .media : .http,
    keyRules: KeyRules(
      dropParameters: options.dropParameters.map(wireText),
      keepParameters: options.keepParameters?.map(wireText)
    ),
    keyUrl: keyUrl(hooks),
    secret: ByteString(utf8: options.secret),
    allowedHosts: options.allowedHosts.map(wireText),
    allowUpstream: options.allowUpstream.map(wireText),
    playlistFreshMs: min(options.playlistFreshSeconds * 1_000, integerMax),
    ignoreNoStore: options.ignoreNoStore,
    validateOutdated: options.validateOutdated,
    apart: options.identity == .apart,
    shared: options.shared,
    heuristicPercent: options.heuristicPercent,
    startAhead: options.startAhead,
    delivery: DeliveryPolicy(rawValue: options.delivery) ?? .all,
    headMs: options.headSeconds * 1000,
    headSegments: options.headSegments,
    offlineFilter: options.offlineFilter,
    offlineMs: options.offlineSeconds * 1000,
    warmFirst: options.warmFirst,
    cors: options.cors,
    keepAlive: options.keepAlive,
    // R-FIELD-16
    forwardFields: options.forwardFields.map(wireText) + (options.policy == .http ? ["*"] : []),
    requestFields: options.requestFields.map(wireText),
    responseFields: options.responseFields.map(wireText) + (options.policy == .http ? ["*"] : []),
    maxCacheBytes: options.maxCacheBytes,
    resigns: hooks.resign != nil
  )
}

/// The cache folder when none is named: the app's cache folder on Apple's systems, which the system may empty and never
/// backs up; elsewhere as the reference has it.
func defaultCacheDir() -> String {
  #if canImport(Darwin)
    let folders = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask)
    let folder = folders.first?.path ?? NSTemporaryDirectory()
    return folder.hasSuffix("/") ? "\(folder)reelcache" : "\(folder)/reelcache"
  #else
    let environment = ProcessInfo.processInfo.environment
    return defaultDirectory(environment, environment["HOME"] ?? "/tmp")
  #endif
}

/// What a finished exchange came to, for listeners.
func report(_ runner: ExchangeRunner, _ nowMs: Int) -> ExchangeReport {
  let exchange = runner.exchange
  return ExchangeReport(
    id: exchange.id,
    url: exchange.url.description,
    status: exchange.status,
    cacheStatus: cacheStatusText(exchange.note).description,
    bytesFromDisk: runner.bytesFromDisk,
    bytesFromFlights: runner.bytesFromFlights,
    ms: nowMs - exchange.startMs
  )
}

/// Why the edge did not start, for the caller.
func startError(_ error: AppError) -> StartError {
  switch error {
  case .directory(let message): return StartError(.cacheDirectory, message)
  case .listen(let error): return StartError(listenReason(error), error.description)
  }
}

private func listenReason(_ error: ListenError) -> StartError.Reason {
  switch error.code {
  case EADDRINUSE: .portTaken
  case EACCES, EPERM: .portForbidden
  case EADDRNOTAVAIL: .noSuchAddress
  default: .system
  }
}

/// Text that goes onto the wire: one byte for each character up to U+00FF, as the reference writes it.
private func wireText(_ text: String) -> ByteString {
  ByteString(latin1: text) ?? ByteString(utf8: text)
}

/// The bytes of the file of certificate authorities; nil when none is named.
private func certificates(_ path: String) throws(StartError) -> Data? {
  if path.isEmpty { return nil }
  do throws(FileError) {
    return try contents(path)
  } catch {
    throw StartError(
      .originCa,
      "origin-ca: \(jsonText(path)) cannot be read (\(error.name)); it must be a PEM file"
    )
  }
}

private func contents(_ path: String) throws(FileError) -> Data {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  if descriptor < 0 { throw FileError(errno, path) }
  defer { close(descriptor) }
  var bytes = Data()
  var buffer = [UInt8](repeating: 0, count: 16_384)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count == 0 { return bytes }
    if count > 0 { bytes.append(contentsOf: buffer[..<count]) } else if errno != EINTR { throw FileError(errno, path) }
  }
}
