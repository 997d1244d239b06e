/// The variables of a playlist (rfc8216bis sections 4.3 and 4.4.2.3): what its EXT-X-DEFINE tags say, and the texts that
/// refer to them. Playlists are byte strings.

/// Where values come from beside the playlist: its own upstream URL, and what may be imported; and the bounds.
package struct VariableSources: Equatable, Sendable {
  package var ownUrl: ByteString
  /// Variables of the playlist that named this one, as they travel; "" for none.
  package var imports: ByteString
  /// Variables of a playlist; further ones count as undefined.
  package var countMax: Int
  /// Their names and values as they travel, together.
  package var bytesMax: Int
  /// A URI with its variables' values; a longer one could not be asked for.
  package var uriBytesMax: Int
}

/// One defined variable. It counts from `from`, an offset; `value` is nil where a player must fail.
package struct Definition: Equatable, Sendable {
  package var name: ByteString
  package var value: ByteString?
  package var from: Int
}

/// What the tags of a playlist define, in order, each name once.
package func playlistDefinitions(_ bytes: ByteString, _ sources: VariableSources) -> [Definition] {
  var definitions: [Definition] = []
  if !definesVariables(bytes) { return definitions }
  let imports = sources.imports.isEmpty ? [] : (parseVariables(sources.imports) ?? [])
  var room = sources.bytesMax
  for line in defineLines(bytes) {
    let name = definedName(bytes, line)
    if let known = definitions.firstIndex(where: { definition in definition.name == name }) {
      // R-VAR-4
      definitions[known].value = nil
    } else if !name.isEmpty && definitions.count < sources.countMax {
      let value = definedValue(bytes, line, name, definitions, imports, sources.bytesMax)
      let size = value.map { value in variablesText([Variable(name: name, value: value)]).count + 1 } ?? 0
      // R-VAR-8
      let fits = size <= room
      if fits { room -= size }
      definitions.append(Definition(name: name, value: fits ? value : nil, from: line.start))
    }
  }
  return definitions
}

/// The variables that travel with the URLs of the playlists that a playlist names.
package func exportedVariables(_ definitions: [Definition]) -> [Variable] {
  var variables: [Variable] = []
  for definition in definitions {
    if let value = definition.value { variables.append(Variable(name: definition.name, value: value)) }
  }
  return variables
}

/// A text that stands at an offset of the playlist, with its references replaced by values, which are not looked at
/// again; nil when a player must fail on it, or when it would be longer than `lengthMax`.
package func substituteVariables(
  _ text: ByteString,
  _ offset: Int,
  _ definitions: [Definition],
  _ lengthMax: Int
) -> ByteString? {
  var substituted = ByteString()
  var copied = 0
  var at = text.indexOf(referenceStart)
  while at >= 0 {
    let end = nameEnd(text, at + 2)
    // R-VAR-2: what is not spelled like a reference is plain text.
    if end > at + 2 && end < text.count && text.code(end) == closingBrace {
      guard let value = variableValue(definitions, text.slice(at + 2, end), offset) else { return nil }
      // R-VAR-1
      substituted += text.slice(copied, at)
      substituted += value
      // R-VAR-8
      if substituted.count > lengthMax { return nil }
      copied = end + 1
    }
    at = text.indexOf(referenceStart, end)
  }
  if copied == 0 { return text }
  substituted += text.slice(copied)
  return substituted.count > lengthMax ? nil : substituted
}

/// The playlist with its QUERYPARAM attributes turned into NAME and VALUE: the player knows only the proxied URL, whose
/// query is another, and none at all of a redirect's. What has no value, or one that no quoted string can hold, stays,
/// and so do those behind the first `countMax`.
package func nameQueryParameters(_ bytes: ByteString, _ ownUrl: ByteString, _ countMax: Int) -> ByteString {
  if !namesQueryParameters(bytes) { return bytes }
  var named = ByteString()
  var copied = 0
  var asked = 0
  for line in defineLines(bytes) {
    guard let attribute = onlyQueryParameter(line.attributes) else { continue }
    let name = bytes.slice(attribute.valueStart, attribute.valueEnd)
    if !isVariableName(name) { continue }
    asked += 1
    // R-VAR-8: each costs a look through the URL, and room for all of its query.
    if asked > countMax { break }
    // R-VAR-7
    if let value = queryParameter(ownUrl, name), isQuotable(value) {
      let start = line.start + bytes.slice(line.start, attribute.valueStart).lastIndexOf(queryAttribute)
      named += bytes.slice(copied, start)
      named += "NAME=\"\(name)\",VALUE=\"\(value)\""
      copied = attribute.valueEnd + 1
    }
  }
  return copied == 0 ? bytes : named + bytes.slice(copied)
}

/// The variables that the playlists of a playlist may import, as they travel; "" for none.
package func exportsText(_ bytes: ByteString, _ sources: VariableSources) -> ByteString {
  let text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax)
  return variablesText(exportedVariables(playlistDefinitions(text, sources)))
}

/// The playlist with values for references, for who reads it as a player does. A line on which a player must fail
/// stays, as do those for which there is no room in `bytesMax`, and what they name is not known.
package func plainPlaylist(_ bytes: ByteString, _ sources: VariableSources, _ bytesMax: Int) -> ByteString {
  if !definesVariables(bytes) { return bytes }
  let text = nameQueryParameters(bytes, sources.ownUrl, sources.countMax)
  var definitions = playlistDefinitions(text, sources)
  for at in definitions.indices {
    if let value = definitions[at].value, !isQuotable(value) { definitions[at].value = nil }
  }
  var plain = ByteString()
  var copied = 0
  var room = bytesMax
  var start = 0
  while start < text.count {
    let next = lineNext(text, start)
    let line = text.slice(start, next)
    if line.includes(referenceStart) {
      // R-VAR-11
      if let named = substituteVariables(line, start, definitions, sources.uriBytesMax), named.count <= room {
        room -= named.count
        plain += text.slice(copied, start)
        plain += named
        copied = next
      }
    }
    start = next
  }
  plain += text.slice(copied)
  return plain
}

/// Whether a playlist may define variables. A quick test.
package func definesVariables(_ bytes: ByteString) -> Bool {
  bytes.includes(defineTag)
}

/// Whether the query of the playlist's URL may take part in what a player shall see. A quick test.
package func namesQueryParameters(_ bytes: ByteString) -> Bool {
  bytes.includes(queryAttribute)
}

private let defineTag: ByteString = "#EXT-X-DEFINE:"
private let queryAttribute: ByteString = "QUERYPARAM"
private let sourceAttributes: [ByteString] = ["NAME", "IMPORT", queryAttribute]
private let referenceStart: ByteString = "{$"
private let closingBrace = 0x7d

private struct DefineLine {
  let start: Int
  let attributes: [Attribute]
}

private func defineLines(_ bytes: ByteString) -> [DefineLine] {
  var lines: [DefineLine] = []
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    if bytes.startsWith(defineTag, from) {
      let end = contentEnd(bytes, from, next)
      lines.append(DefineLine(start: from, attributes: attributeList(bytes, from + defineTag.count, end)))
    }
    start = next
  }
  return lines
}

/// The name that a tag defines or imports; "" for none.
private func definedName(_ bytes: ByteString, _ line: DefineLine) -> ByteString {
  let sources = line.attributes.filter { attribute in sourceAttributes.contains(attribute.name) }
  // R-VAR-3
  guard let source = sources.first, sources.count == 1, source.quoted else { return "" }
  let name = bytes.slice(source.valueStart, source.valueEnd)
  return isVariableName(name) ? name : ""
}

/// The value that a tag gives its variable; nil for none.
private func definedValue(
  _ bytes: ByteString,
  _ line: DefineLine,
  _ name: ByteString,
  _ before: [Definition],
  _ imports: [Variable],
  _ lengthMax: Int
) -> ByteString? {
  // R-VAR-5
  if has(line.attributes, "IMPORT") { return imports.first { variable in variable.name == name }?.value }
  guard let value = only(line.attributes, "VALUE"), has(line.attributes, "NAME") else { return nil }
  return substituteVariables(bytes.slice(value.valueStart, value.valueEnd), line.start, before, lengthMax)
}

/// The quoted attribute of that name; nil when there is none, more than one, or it has no quotes.
private func only(_ attributes: [Attribute], _ name: ByteString) -> Attribute? {
  let found = attributes.filter { attribute in attribute.name == name }
  guard let one = found.first, found.count == 1, one.quoted else { return nil }
  return one
}

private func has(_ attributes: [Attribute], _ name: ByteString) -> Bool {
  attributes.contains { attribute in attribute.name == name }
}

private func onlyQueryParameter(_ attributes: [Attribute]) -> Attribute? {
  let others: [ByteString] = ["NAME", "VALUE", "IMPORT"]
  return others.contains { name in has(attributes, name) } ? nil : only(attributes, queryAttribute)
}

/// The decoded value of the first query parameter of that name; nil when there is none, or it is empty or malformed.
private func queryParameter(_ url: ByteString, _ name: ByteString) -> ByteString? {
  for piece in (parseUri(url).query ?? "").split("&") {
    let equals = piece.indexOf("=")
    // R-VAR-6
    if equals >= 0 && piece.slice(0, equals) == name {
      let value = percentDecode(piece.slice(equals + 1))
      return value == "" ? nil : value
    }
  }
  return nil
}

/// Whether a quoted string can hold the value, and a player reads it as it is: no quote, no line end, no reference.
private func isQuotable(_ value: ByteString) -> Bool {
  !value.includes("\"") && !value.includes("\n") && !value.includes("\r") && !value.includes(referenceStart)
}

private func nameEnd(_ text: ByteString, _ start: Int) -> Int {
  var end = start
  while end < text.count && isVariableCode(text.code(end)) { end += 1 }
  return end
}

/// The value of a variable at an offset; nil when it has none there.
private func variableValue(_ definitions: [Definition], _ name: ByteString, _ offset: Int) -> ByteString? {
  for definition in definitions where definition.name == name {
    // R-VAR-3
    return definition.from < offset ? definition.value : nil
  }
  return nil
}
