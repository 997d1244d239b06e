/// How several lines of one field become one: the first alone, or all joined by ", " or by "; ".
package enum FieldLines: String, TextUnion, Sendable {
  case first
  case comma
  case semicolon
}

/// One request field that goes from the player to the origin, in the case in which it goes.
package struct RequestFieldRow: Sendable {
  package let name: ByteString
  package let lines: FieldLines
}

/// One response field: `store` keeps it in the entry, else it only passes by; `each` passes every line on its own.
package struct ResponseFieldRow: Sendable {
  package let name: ByteString
  package let lines: FieldLines
  package let store: Bool
  package let each: Bool
}

/// The player's fields that go upstream, in this order and case (R-FIELD-6).
package let requestFieldTable: [RequestFieldRow] = [
  RequestFieldRow(name: "User-Agent", lines: .first),
  RequestFieldRow(name: "Accept", lines: .comma),
  RequestFieldRow(name: "Accept-Language", lines: .comma),
  RequestFieldRow(name: "Authorization", lines: .first),
  RequestFieldRow(name: "Cookie", lines: .semicolon),
  RequestFieldRow(name: "Referer", lines: .first),
  RequestFieldRow(name: "Origin", lines: .first),
  RequestFieldRow(name: "X-Playback-Session-Id", lines: .first),
]

/// The origin's fields that an entry keeps or a response passes on, in this order and case (R-FIELD-11).
package let responseFieldTable: [ResponseFieldRow] = [
  ResponseFieldRow(name: "Content-Type", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "ETag", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "Last-Modified", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "Cache-Control", lines: .comma, store: true, each: false),
  ResponseFieldRow(name: "Expires", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "Date", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "Age", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "Vary", lines: .comma, store: true, each: false),
  ResponseFieldRow(name: "Content-Language", lines: .comma, store: true, each: false),
  ResponseFieldRow(name: "Content-Disposition", lines: .first, store: true, each: false),
  ResponseFieldRow(name: "Set-Cookie", lines: .first, store: false, each: true),
  ResponseFieldRow(name: "Retry-After", lines: .first, store: false, each: false),
  ResponseFieldRow(name: "WWW-Authenticate", lines: .comma, store: false, each: false),
]

/// Among configured names: all others.
private let everyName: ByteString = "*"

/// Fields that belong to one connection (RFC 9110 section 7.6.1); they go no further in either direction.
private let hopByHopNames: [ByteString] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]

/// Request fields that the proxy writes itself or must not repeat, whatever the configuration says.
private let ownRequestNames: [ByteString] = [
  "host",
  "range",
  "accept-encoding",
  "content-length",
  "expect",
  "max-forwards",
  "icy-metadata",
]

/// Response fields that the proxy writes itself or must not repeat, whatever the configuration says.
private let ownResponseNames: [ByteString] = [
  "content-encoding",
  "content-length",
  "content-range",
  "accept-ranges",
  "location",
  "cache-status",
  "set-cookie",
]

/// The fields of the upstream request that come from the player and the configuration: the table's, then those of
/// `extraNames` that the player sent, then `setFields`, which replace. Host, Range, conditions, Accept-Encoding and
/// Connection are not among them: who sends the request adds its own.
package func upstreamRequestFields(
  _ playerFields: FieldList,
  _ extraNames: [ByteString],
  _ setFields: FieldList
) -> FieldList {
  var fields: FieldList = []
  let nominated = connectionOptions(playerFields)
  for row in requestFieldTable {
    // R-FIELD-6
    copyField(playerFields, row.name, row.lines, nominated, &fields)
  }
  for name in extraNames {
    // R-FIELD-7
    if name == everyName {
      copyOthers(playerFields, isRebuiltRequestName, nominated, &fields)
    } else if !isRebuiltRequestName(lowerAscii(name)) {
      copyField(playerFields, name, .comma, nominated, &fields)
    }
  }
  addSetFields(&fields, setFields)
  return fields
}

/// The player's fields of a request that passes through: all but the connection's and the proxy's own, then `setFields`.
package func passedRequestFields(_ playerFields: FieldList, _ setFields: FieldList) -> FieldList {
  var fields: FieldList = []
  let nominated = connectionOptions(playerFields)
  var at = 0
  while at + 1 < playerFields.count {
    let name = playerFields[at]
    let lowerName = lowerAscii(name)
    // R-PASS-1: conditions and ranges are the origin's to judge.
    let isFree = lowerName == "range" || lowerName == "content-length"
    let isOwn = !isFree && holdsName(ownRequestNames, lowerName)
    if !isOwn && !holdsName(hopByHopNames, lowerName) {
      copyField(playerFields, name, lowerName == "cookie" ? .semicolon : .comma, nominated, &fields)
    }
    at += 2
  }
  addSetFields(&fields, setFields)
  return fields
}

/// Whether the player's field of this name, in lower case, goes upstream: by the table or by configuration.
package func isForwardedName(_ lowerName: ByteString, _ extraNames: [ByteString]) -> Bool {
  for row in requestFieldTable where equalIgnoreCase(row.name, lowerName) { return true }
  return !isRebuiltRequestName(lowerName) && (holdsName(extraNames, lowerName) || extraNames.contains(everyName))
}

/// The origin's fields that an entry keeps: the table's that are stored, then `extraNames`, each name once.
package func storedResponseFields(_ originFields: FieldList, _ extraNames: [ByteString]) -> FieldList {
  var fields: FieldList = []
  let nominated = connectionOptions(originFields)
  for row in responseFieldTable {
    // R-FIELD-11
    if row.store {
      copyField(originFields, row.name, row.lines, nominated, &fields)
    }
  }
  for name in extraNames {
    // R-FIELD-12
    if name == everyName {
      copyOthers(originFields, isRebuiltResponseName, nominated, &fields)
    } else if !isRebuiltResponseName(lowerAscii(name)) {
      copyField(originFields, name, .comma, nominated, &fields)
    }
  }
  return fields
}

/// The origin's fields for a response that is not stored: the stored ones, and those that only pass by.
package func passedResponseFields(_ originFields: FieldList, _ extraNames: [ByteString]) -> FieldList {
  var fields = storedResponseFields(originFields, extraNames)
  let nominated = connectionOptions(originFields)
  for row in responseFieldTable {
    // R-FIELD-13
    if row.each {
      copyEach(originFields, row.name, nominated, &fields)
    } else if !row.store {
      copyField(originFields, row.name, row.lines, nominated, &fields)
    }
  }
  return fields
}

private func addSetFields(_ fields: inout FieldList, _ setFields: FieldList) {
  var at = 0
  while at + 1 < setFields.count {
    let name = setFields[at]
    let value = setFields[at + 1]
    // R-FIELD-8
    if !isRebuiltRequestName(lowerAscii(name)) && isToken(name) && isFieldValue(value) {
      fieldSet(&fields, name, value)
    }
    at += 2
  }
}

/// Copies every field that is not the proxy's own, in the message's order and case.
private func copyOthers(
  _ from: FieldList,
  _ isRebuilt: (ByteString) -> Bool,
  _ nominated: [ByteString],
  _ to: inout FieldList
) {
  var at = 0
  while at + 1 < from.count {
    // R-FIELD-16
    if !isRebuilt(lowerAscii(from[at])) { copyField(from, from[at], .comma, nominated, &to) }
    at += 2
  }
}

/// Copies one field as one line, unless it is absent, already there, unsafe, or nominated by Connection.
private func copyField(
  _ from: FieldList,
  _ name: ByteString,
  _ lines: FieldLines,
  _ nominated: [ByteString],
  _ to: inout FieldList
) {
  let value = fieldByLines(from, name, lines)
  // R-FIELD-10
  guard let value, isFieldValue(value), isToken(name) else { return }
  if !holdsName(nominated, name) && fieldCount(to, name) == 0 {
    to.append(name)
    to.append(value)
  }
}

private func copyEach(_ from: FieldList, _ name: ByteString, _ nominated: [ByteString], _ to: inout FieldList) {
  if holdsName(nominated, name) { return }
  var at = 0
  while at + 1 < from.count {
    let value = from[at + 1]
    if equalIgnoreCase(from[at], name) && isFieldValue(value) {
      to.append(name)
      to.append(value)
    }
    at += 2
  }
}

private func fieldByLines(_ fields: FieldList, _ name: ByteString, _ lines: FieldLines) -> ByteString? {
  switch lines {
  case .first:
    return fieldFirst(fields, name)
  case .comma:
    return fieldJoined(fields, name, ", ")
  case .semicolon:
    return fieldJoined(fields, name, "; ")
  }
}

/// The names that the message's Connection field nominates.
private func connectionOptions(_ fields: FieldList) -> [ByteString] {
  let value = fieldJoined(fields, "connection", ", ")
  // R-FIELD-9
  return value.map(listItems) ?? []
}

private func isRebuiltRequestName(_ lowerName: ByteString) -> Bool {
  // R-FIELD-14
  lowerName.startsWith("if-") || holdsName(hopByHopNames, lowerName) || holdsName(ownRequestNames, lowerName)
}

private func isRebuiltResponseName(_ lowerName: ByteString) -> Bool {
  // R-FIELD-15
  if lowerName.startsWith("access-control-") { return true }
  return holdsName(hopByHopNames, lowerName) || holdsName(ownResponseNames, lowerName)
}

private func holdsName(_ names: [ByteString], _ name: ByteString) -> Bool {
  for one in names where equalIgnoreCase(one, name) { return true }
  return false
}
