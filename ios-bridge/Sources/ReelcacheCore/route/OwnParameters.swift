/// The proxy's own parameters: what must travel with a proxied URL, so that it survives a restart and a cache hit, and
/// never goes upstream. In query form they are outer parameters, in path form one segment before the scheme.

/// What a body is that is no playlist and names resources; none for any other.
package enum JsonKind: String, TextUnion, Sendable {
  case none
  case assetList = "asset-list"
  case steering
}

/// `as`: what the body is. `define`: the variables that a playlist may import, as `name:value,name:value`; "" for none.
package struct OwnParameters: Equatable, Sendable {
  package var `as`: JsonKind
  package var define: ByteString
}

/// What the path form's segment begins with.
package let ownSegmentStart: ByteString = "/;"

/// The query parameter that a player adds to the URLs of a pathway's clone: the host that they shall have upstream.
package let hostParameter: ByteString = "reelcache-host"

/// No own parameters.
package func noParameters() -> OwnParameters {
  OwnParameters(as: .none, define: "")
}

/// A proxied URL, of which `prefix` is the start, with own parameters.
package func withParameters(
  _ prefix: ByteString,
  _ form: UrlForm,
  _ proxied: ByteString,
  _ own: OwnParameters
) -> ByteString {
  // R-URL-18
  if form == .query { return proxied + ownQuery(own) }
  var pieces: [ByteString] = []
  if own.as != .none { pieces.append("as=\(kindText(own.as))") }
  if !own.define.isEmpty { pieces.append("define=\(own.define)") }
  if pieces.isEmpty { return proxied }
  return "\(prefix)\(ownSegmentStart)\(joined(pieces, ";"))\(proxied.slice(prefix.count))"
}

/// The own parameters as they follow the URL in query form, each with its "&".
package func ownQuery(_ own: OwnParameters) -> ByteString {
  let kind: ByteString = own.as == .none ? "" : "&as=\(kindText(own.as))"
  // R-URL-18: encoded once more, because players that set a parameter may write all of the query anew.
  return own.define.isEmpty ? kind : "\(kind)&define=\(percentEncode(own.define))"
}

/// The own parameters with one more of the query form's outer parameters; nil when that is none of them, or wrong.
package func withParameter(_ own: OwnParameters, _ name: ByteString, _ encoded: ByteString) -> OwnParameters? {
  // R-URL-19
  guard let value = percentDecode(encoded) else { return nil }
  return added(own, name, value)
}

/// The own parameters of the path form's segment, without its start; nil when it is malformed.
package func parseOwnSegment(_ segment: ByteString) -> OwnParameters? {
  var own: OwnParameters? = noParameters()
  for piece in segment.split(";") {
    let equals = piece.indexOf("=")
    // R-URL-19
    guard equals >= 0, let before = own else { return nil }
    own = added(before, piece.slice(0, equals), piece.slice(equals + 1))
  }
  return own
}

/// Variables as they travel: `name:value,name:value`.
package func variablesText(_ variables: [Variable]) -> ByteString {
  joined(variables.map { variable in "\(variable.name):\(percentEncode(variable.value))" }, ",")
}

/// Reads `variablesText`; nil when it is malformed.
package func parseVariables(_ text: ByteString) -> [Variable]? {
  var variables: [Variable] = []
  for piece in text.split(",") {
    let colon = piece.indexOf(":")
    let name = colon < 0 ? "" : piece.slice(0, colon)
    guard isVariableName(name), let value = percentDecode(piece.slice(colon + 1)) else { return nil }
    variables.append(Variable(name: name, value: value))
  }
  return variables
}

/// A variable and its value (rfc8216bis section 4.3).
package struct Variable: Equatable, Sendable {
  package var name: ByteString
  package var value: ByteString
}

/// Whether the text is a variable's name: one or more letters, digits, "-" and "_".
package func isVariableName(_ text: ByteString) -> Bool {
  for at in 0..<text.count where !isVariableCode(text.code(at)) { return false }
  return !text.isEmpty
}

/// Whether a byte may stand in a variable's name.
package func isVariableCode(_ code: Int) -> Bool {
  let lower = code | 0x20
  let letter = lower >= 0x61 && lower <= 0x7a
  let digit = code >= 0x30 && code <= 0x39
  return letter || digit || code == 0x2d || code == 0x5f
}

private func added(_ own: OwnParameters, _ name: ByteString, _ value: ByteString) -> OwnParameters? {
  let kinds: [JsonKind] = [.assetList, .steering]
  if name == "as" && own.as == .none, let kind = kinds.first(where: { kind in kindText(kind) == value }) {
    return OwnParameters(as: kind, define: own.define)
  }
  let isDefine = name == "define" && own.define.isEmpty && parseVariables(value) != nil
  return isDefine ? OwnParameters(as: own.as, define: value) : nil
}

private func kindText(_ kind: JsonKind) -> ByteString {
  switch kind {
  case .none: "none"
  case .assetList: "asset-list"
  case .steering: "steering"
  }
}
