/// The closed table of options: one row each with its name, command line flag, environment variable, kind, bounds and
/// help. The command line, the environment and the library all go through this table, so that they cannot disagree.

/// How a value is written and checked: `names` is a list of words, `fields` a flat list of names and values, `limits` a
/// record of limits. A `flag` is on or off.
package enum OptionKind: String, Sendable {
  case text
  case choice
  case count
  case bytes
  case seconds
  case milliseconds
  case flag
  case names
  case hosts
  case fields
  case limits
}

/// Where an option's value stands.
package enum OptionField: Sendable {
  case text(WritableKeyPath<ServerOptions, String> & Sendable)
  case number(WritableKeyPath<ServerOptions, Int> & Sendable)
  case flag(WritableKeyPath<ServerOptions, Bool> & Sendable)
  case list(WritableKeyPath<ServerOptions, [String]> & Sendable)
  case optionalList(WritableKeyPath<ServerOptions, [String]?> & Sendable)
  case limits(WritableKeyPath<ServerOptions, [String: Int]> & Sendable)
}

/// A value of any option.
package enum OptionValue: Equatable, Sendable {
  case text(String)
  case number(Int)
  case flag(Bool)
  case list([String])
  case limits([String: Int])
  /// A list that is not there.
  case absent
  /// A text that says nothing of the option's kind.
  case unreadable
}

/// One row of the table. `min` and `max` bound a number; `choices` lists the only texts allowed.
package struct OptionRow: Sendable {
  package let name: String
  package let flag: String
  package let environment: String
  package let kind: OptionKind
  package let field: OptionField
  package let min: Int
  package let max: Int
  package let choices: [String]
  package let help: String

  /// The value in some options.
  package func value(_ options: ServerOptions) -> OptionValue {
    switch field {
    case .text(let path): .text(options[keyPath: path])
    case .number(let path): .number(options[keyPath: path])
    case .flag(let path): .flag(options[keyPath: path])
    case .list(let path): .list(options[keyPath: path])
    case .optionalList(let path): options[keyPath: path].map(OptionValue.list) ?? .absent
    case .limits(let path): .limits(options[keyPath: path])
    }
  }

  /// Sets the value in some options; one of another type than the row's changes nothing.
  package func set(_ options: inout ServerOptions, _ value: OptionValue) {
    switch (field, value) {
    case (.text(let path), .text(let text)): options[keyPath: path] = text
    case (.number(let path), .number(let number)): options[keyPath: path] = number
    case (.flag(let path), .flag(let on)): options[keyPath: path] = on
    case (.list(let path), .list(let list)): options[keyPath: path] = list
    case (.optionalList(let path), .list(let list)): options[keyPath: path] = list
    case (.optionalList(let path), .absent): options[keyPath: path] = nil
    case (.limits(let path), .limits(let limits)): options[keyPath: path] = limits
    default: break
    }
  }
}

/// The values in force when nobody says otherwise.
package let defaultOptions = ServerOptions()

/// The largest number that an option may say: what the twin counts exactly.
package let countMax = 9_007_199_254_740_991

/// The rows, in the order in which `--help` lists them.
package let optionTable: [OptionRow] = [
  row(
    "host",
    "host",
    .text,
    .text(\.host),
    "address to listen on: an IP address or localhost; beyond loopback needs --secret"
  ),
  row("port", "port", .count, .number(\.port), "port to listen on; 0 takes a free one", max: 65_535),
  row("cacheDir", "cache-dir", .text, .text(\.cacheDir), "folder of the cache; made when absent"),
  row(
    "maxCacheBytes",
    "max-cache-bytes",
    .bytes,
    .number(\.maxCacheBytes),
    "size at which eviction starts, such as 512MB or 2GiB",
    min: 1
  ),
  row(
    "freeDiskReserveBytes",
    "free-disk-reserve-bytes",
    .bytes,
    .number(\.freeDiskReserveBytes),
    "disk space left free"
  ),
  row(
    "evictionDelayMs",
    "eviction-delay-ms",
    .milliseconds,
    .number(\.evictionDelayMs),
    "wait after the start before anything is evicted",
    max: timerMsMax
  ),
  row("secret", "secret", .text, .text(\.secret), "part of every proxied URL; a request without it gets 403"),
  row(
    "allowedHosts",
    "allowed-host",
    .hosts,
    .list(\.allowedHosts),
    "further name or name:port that the Host field may carry"
  ),
  row(
    "allowUpstream",
    "allow-upstream",
    .hosts,
    .list(\.allowUpstream),
    "only these origins: host, *.host, host:port; none means all public"
  ),
  row(
    "allowPrivate",
    "allow-private",
    .hosts,
    .list(\.allowPrivate),
    "origin on a private or loopback address: host, host:port, host:*"
  ),
  row("originCa", "origin-ca", .text, .text(\.originCa), "PEM file of a certificate authority to trust at origins"),
  row(
    "form",
    "form",
    .choice,
    .text(\.formName),
    "form of proxied URLs that are printed and converted",
    choices: ["query", "path"]
  ),
  row(
    "policy",
    "policy",
    .choice,
    .text(\.policyName),
    "freshness: made for media, or plain HTTP (RFC 9111)",
    choices: ["media", "http"]
  ),
  row(
    "playlistFreshSeconds",
    "playlist-fresh-seconds",
    .seconds,
    .number(\.playlistFreshSeconds),
    "freshness of a finished playlist that states none"
  ),
  row(
    "heuristicPercent",
    "heuristic-percent",
    .count,
    .number(\.heuristicPercent),
    "under http: share of the time since Last-Modified for which what states no freshness is fresh",
    max: 100
  ),
  row(
    "shared",
    "shared",
    .flag,
    .flag(\.shared),
    "count as a cache that several users share: s-maxage counts, private is not stored"
  ),
  row(
    "validateOutdated",
    "validate-outdated",
    .flag,
    .flag(\.validateOutdated),
    "validate media whose stated freshness is over before it is used"
  ),
  row("ignoreNoStore", "ignore-no-store", .flag, .flag(\.ignoreNoStore), "store responses that say no-store"),
  row(
    "identity",
    "identity",
    .choice,
    .text(\.identityName),
    "what depends on who asks (credentials, Vary): stored apart for each, or not",
    choices: ["apart", "unstored"]
  ),
  row(
    "startAhead",
    "start-ahead",
    .flag,
    .flag(\.startAhead),
    "fetch what a player that begins to play asks for next before it asks"
  ),
  row(
    "delivery",
    "delivery",
    .choice,
    .text(\.delivery),
    "segments that come through the proxy: all, the beginning, or what is stored",
    choices: ["all", "head", "cdn-first"]
  ),
  row("headSeconds", "head-seconds", .seconds, .number(\.headSeconds), "under head: segments that begin before"),
  row("headSegments", "head-segments", .count, .number(\.headSegments), "under head: at least so many segments"),
  row(
    "offlineFilter",
    "offline-filter",
    .flag,
    .flag(\.offlineFilter),
    "out of reach, name only the variants that play from what is stored"
  ),
  row(
    "offlineSeconds",
    "offline-seconds",
    .seconds,
    .number(\.offlineSeconds),
    "how much of a variant that is, from its beginning; 0 is all of it"
  ),
  row(
    "warmFirst",
    "warm-first",
    .flag,
    .flag(\.warmFirst),
    "name the first variant whose beginning is stored before the others"
  ),
  row(
    "dropParameters",
    "drop-parameter",
    .names,
    .list(\.dropParameters),
    "query parameter that is no part of the cache key"
  ),
  row(
    "keepParameters",
    "keep-parameter",
    .names,
    .optionalList(\.keepParameters),
    "only these query parameters are part of the cache key"
  ),
  row(
    "forwardFields",
    "forward-field",
    .names,
    .list(\.forwardFields),
    "further player field to pass on to the origin"
  ),
  row(
    "requestFields",
    "request-field",
    .fields,
    .list(\.requestFields),
    "field \"Name: value\" to set on every origin request"
  ),
  row(
    "responseFields",
    "response-field",
    .names,
    .list(\.responseFields),
    "further origin field to pass on to the player"
  ),
  row("keepAlive", "keep-alive", .flag, .flag(\.keepAlive), "keep player connections open between requests"),
  row("cors", "cors", .flag, .flag(\.cors), "let pages of other sites read responses"),
  row(
    "logLevel",
    "log-level",
    .choice,
    .text(\.logLevel),
    "least severe message logged: trace, debug, info, warn, error, fatal or silent",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"]
  ),
  row(
    "logFormat",
    "log-format",
    .choice,
    .text(\.logFormat),
    "form of the log on stderr",
    choices: ["pretty", "json"]
  ),
  row(
    "limits",
    "limit",
    .limits,
    .limits(\.limits),
    "bound to change, as name=value, such as slotsMax=8 or connectMs=2.5s"
  ),
]

/// The options in force, or a message that names the option, the value and what is allowed.
package enum OptionsResult: Equatable {
  case resolved(ServerOptions)
  case refused(String)
}

/// Checks the caller's options against the table and fills in what depends on the machine.
/// An operating error is a message, never an exception.
package func resolveOptions(_ input: ServerOptions) -> OptionsResult {
  for row in optionTable {
    let value = row.value(input)
    // R-CLI-2; an option that is in no row (R-CLI-1) does not compile here, a limit that does not exist is refused.
    if let fault = optionFault(row, value) {
      return .refused(faultMessage(row.name, row.name, value, fault))
    }
  }
  var options = input
  if options.cacheDir.isEmpty { options.cacheDir = defaultCacheDir() }
  // R-CLI-3
  if !isLoopback(options.host) && options.secret.isEmpty {
    return .refused(
      "host: \(jsonText(options.host)) is reachable from other machines, so a secret is required: "
        + "set --secret (REELCACHE_SECRET) to \(secretLength.lowerBound) or more characters"
    )
  }
  return .resolved(options)
}

/// The one sentence for a refused value; `label` is the option's name, flag or environment variable.
package func faultMessage(_ name: String, _ label: String, _ value: OptionValue, _ allowed: String) -> String {
  // R-CLI-4: a mistyped secret is still a secret, and messages end in logs.
  let shown = name == "secret" ? "the given text" : shownValue(value)
  return "\(label): \(shown) is not allowed; it must be \(allowed)"
}

private func shownValue(_ value: OptionValue) -> String {
  switch value {
  case .text(let text): jsonText(text)
  case .number(let number): String(number)
  case .flag(let on): String(on)
  case .list(let list): "[\(list.map(jsonText).joined(separator: ","))]"
  case .limits(let limits): "{\(limits.sorted { $0.key < $1.key }.map(shownLimit).joined(separator: ","))}"
  case .absent, .unreadable: "null"
  }
}

private func shownLimit(_ name: String, _ value: Int) -> String {
  "\(jsonText(name)):\(value)"
}

private func row(
  _ name: String,
  _ flag: String,
  _ kind: OptionKind,
  _ field: OptionField,
  _ help: String,
  min: Int = 0,
  max: Int = countMax,
  choices: [String] = []
) -> OptionRow {
  let environment = "REELCACHE_\(String(flag.map { $0 == "-" ? "_" : $0 }).uppercased())"
  return OptionRow(
    name: name,
    flag: flag,
    environment: environment,
    kind: kind,
    field: field,
    min: min,
    max: max,
    choices: choices,
    help: help
  )
}
