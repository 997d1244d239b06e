/// Rewrites the JSON bodies that playlists name, asset lists and steering manifests, so that what they name comes back
/// through the proxy (rfc8216bis section 7 and appendix D). Only the text of URIs is replaced, and a clone's host, which
/// a player would put into the proxy's URLs. JSON texts are byte strings.

/// As for a playlist; `own` are the own parameters of its URL, `depthMax` and `bytesMax` bound what is read.
package struct JsonContext: Equatable, Sendable {
  package var prefix: ByteString
  package var form: UrlForm
  package var baseUrl: ByteString
  package var own: OwnParameters
  package var depthMax: Int
  package var bytesMax: Int
  /// What its URIs may come to.
  package var urisBytesMax: Int
}

/// The body as the player shall see it; what is malformed or beyond a bound comes back as it is.
package func rewriteJson(_ bytes: ByteString, _ context: JsonContext) -> ByteString {
  // R-JSON-3
  let places = bytes.count > context.bytesMax ? nil : scanJson(bytes, wantedOf(context.own), context.depthMax)
  guard let places else { return bytes }
  let mapper = uriMapper(context.prefix, context.form, context.baseUrl)
  var edits: [Edit] = []
  var handled = 0
  for place in places {
    let isText = place.kind == .string && !place.text.isEmpty
    let mapped = isText ? mapPlace(mapper, place, context.own) : ""
    handled += mapped.count
    // R-JSON-3
    if handled > context.urisBytesMax { return bytes }
    if !mapped.isEmpty { edits.append(Edit(start: place.start, end: place.end, text: mapped)) }
  }
  return edited(bytes, edits + hostEdits(places, context.prefix))
}

private struct Edit {
  let start: Int
  let end: Int
  let text: ByteString
}

private let assets = elementPath(memberPath("", "ASSETS"))
private let replacement = memberPath(elementPath(memberPath("", "PATHWAY-CLONES")), "URI-REPLACEMENT")
private let variantUris = memberPath(replacement, "PER-VARIANT-URIS")
private let renditionUris = memberPath(replacement, "PER-RENDITION-URIS")

private func wantedOf(_ own: OwnParameters) -> [ByteString] {
  own.as == .steering ? ["", replacement, variantUris, renditionUris] : [assets]
}

/// The proxied URL for a string; "" when it names nothing or must stay as it is.
private func mapPlace(_ mapper: UriMapper, _ place: JsonPlace, _ own: OwnParameters) -> ByteString {
  // R-JSON-1
  if place.path == assets { return place.name == "URI" ? mapUri(mapper, place.text) : "" }
  // R-JSON-2
  let isReload = place.path.isEmpty && place.name == "RELOAD-URI"
  if !isReload && place.path != variantUris && place.path != renditionUris { return "" }
  let mapped = mapUri(mapper, place.text)
  let carried = OwnParameters(as: isReload ? own.as : .none, define: own.define)
  return mapped.isEmpty ? "" : withParameters(mapper.prefix, mapper.form, mapped, carried)
}

/// A clone's HOST becomes the proxy's, and one more of its PARAMS says which host it means upstream.
private func hostEdits(_ places: [JsonPlace], _ prefix: ByteString) -> [Edit] {
  let proxyHost = parseAuthority(parseUri(prefix).authority ?? "", "http")?.host ?? ""
  var edits: [Edit] = []
  var hosts: [Int: JsonPlace] = [:]
  var withParams = Set<Int>()
  for place in places where place.path == replacement {
    // Of a name that is there twice, players read the last.
    if place.name == "HOST" { hosts[place.owner] = place }
    if place.name == "PARAMS" && place.kind == .object { withParams.insert(place.owner) }
  }
  for place in places where place.path == replacement {
    guard let host = hosts[place.owner], isHost(host) else { continue }
    let member: ByteString = "\"\(hostParameter)\":\"\(host.text)\""
    // R-JSON-4
    if place == host { edits.append(Edit(start: host.start, end: host.end, text: proxyHost)) }
    if place == host && !withParams.contains(host.owner) {
      edits.append(Edit(start: host.keyStart, end: host.keyStart, text: "\"PARAMS\":{\(member)},"))
    }
    if place.name == "PARAMS" && place.kind == .object {
      edits.append(Edit(start: place.start, end: place.end, text: place.text.isEmpty ? member : "\(member),"))
    }
  }
  return edits
}

/// Longest host name (RFC 1035 section 2.3.4): each object of PARAMS makes room for it.
private let hostBytesMax = 255

private func isHost(_ place: JsonPlace) -> Bool {
  // R-JSON-4
  if place.kind != .string || place.text.count > hostBytesMax { return false }
  return parseAuthority(place.text, "http")?.host == lowerAscii(place.text)
}

private func edited(_ bytes: ByteString, _ edits: [Edit]) -> ByteString {
  var text = ByteString()
  var copied = 0
  for edit in edits.sorted(by: { a, b in a.start < b.start }) {
    text += bytes.slice(copied, edit.start)
    text += edit.text
    copied = edit.end
  }
  return text + bytes.slice(copied)
}
