/// Where the URIs of a playlist stand, as offsets. One table says which tag and attribute hold one and what it names.

/// What a URI names. *report*: a rendition report. *asset-list*, *steering*: JSON that names more. *data*:
/// what is passed through.
package enum UriRole: String, TextUnion, CaseIterable, Sendable {
  case segment
  case playlist
  case key
  case map
  case report
  case assetList = "asset-list"
  case steering
  case data
}

/// One row: a tag, the attribute that holds the URI ("" = the rest of the line), and a condition on another attribute.
package struct UriRow: Equatable, Sendable {
  package let tag: ByteString
  package let attribute: ByteString
  package let role: UriRole
  package let whenName: ByteString
  package let whenValue: ByteString
}

/// The closed table (rfc8216bis sections 4.4.4 to 4.4.6, appendices D and F); rows of one tag stand together, the first
/// that fits counts.
package let uriTable: [UriRow] = [
  UriRow(tag: "#EXT-X-PART", attribute: "URI", role: .segment, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-KEY", attribute: "URI", role: .key, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-MAP", attribute: "URI", role: .map, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-MEDIA", attribute: "URI", role: .playlist, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-I-FRAME-STREAM-INF", attribute: "URI", role: .playlist, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-IMAGE-STREAM-INF", attribute: "URI", role: .playlist, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-SESSION-KEY", attribute: "URI", role: .key, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-SESSION-DATA", attribute: "URI", role: .data, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-CONTENT-STEERING", attribute: "SERVER-URI", role: .steering, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-PRELOAD-HINT", attribute: "URI", role: .map, whenName: "TYPE", whenValue: "MAP"),
  UriRow(tag: "#EXT-X-PRELOAD-HINT", attribute: "URI", role: .segment, whenName: "", whenValue: ""),
  UriRow(tag: "#EXT-X-RENDITION-REPORT", attribute: "URI", role: .report, whenName: "", whenValue: ""),
  UriRow(
    tag: "#EXT-X-DATERANGE",
    attribute: "X-ASSET-URI",
    role: .data,
    whenName: "CLASS",
    whenValue: "com.apple.hls.interstitial"
  ),
  UriRow(
    tag: "#EXT-X-DATERANGE",
    attribute: "X-ASSET-LIST",
    role: .assetList,
    whenName: "CLASS",
    whenValue: "com.apple.hls.interstitial"
  ),
  UriRow(
    tag: "#EXT-X-DATERANGE",
    attribute: "X-URI",
    role: .data,
    whenName: "CLASS",
    whenValue: "com.apple.hls.preload"
  ),
  UriRow(tag: "#EXT-X-PREFETCH", attribute: "", role: .segment, whenName: "", whenValue: ""),
]

/// Row numbers of URIs that stand on a line of their own.
package let segmentLine = -1
package let variantLine = -2

/// The URIs of a playlist, flat: start, end, row of `uriTable` (or `segmentLine`, `variantLine`), and so on, in order.
/// Not among them: empty URIs and unquoted attribute values.
package func uriPlaces(_ bytes: ByteString) -> [Int] {
  var places: [Int] = []
  var start = 0
  var lineRow = segmentLine
  while start < bytes.count {
    let next = lineNext(bytes, start)
    let from = contentStart(bytes, start, next)
    let end = contentEnd(bytes, from, next)
    // R-PL-10
    if from < end && bytes.code(from) != hash {
      // R-PL-11
      addPlace(&places, from, end, lineRow)
      lineRow = segmentLine
    } else if bytes.startsWith(extensionTagRest, from + 1) {
      if bytes.startsWith(streamTag, from) { lineRow = variantLine }
      addTagPlaces(bytes, &places, from, end)
    }
    start = next
  }
  return places
}

/// What the URI of a row names.
package func uriRole(_ row: Int) -> UriRole {
  if row == segmentLine { return .segment }
  if row == variantLine { return .playlist }
  return row >= 0 && row < uriTable.count ? uriTable[row].role : .data
}

private let hash = 0x23
private let extensionTagRest: ByteString = "EXT-X-"
private let streamTag: ByteString = "#EXT-X-STREAM-INF:"

private func addTagPlaces(_ bytes: ByteString, _ places: inout [Int], _ start: Int, _ end: Int) {
  let first = firstRow(bytes, start, end)
  if first < 0 { return }
  let valueStart = start + uriTable[first].tag.count + 1
  if uriTable[first].attribute.isEmpty {
    // R-PL-12
    addPlace(&places, contentStart(bytes, valueStart, end), end, first)
    return
  }
  let attributes = attributeList(bytes, valueStart, end)
  let rows = rowsOf(bytes, attributes, first)
  // R-PL-13
  for attribute in attributes where attribute.quoted {
    let row = rowFor(rows, attribute.name)
    if row >= 0 { addPlace(&places, attribute.valueStart, attribute.valueEnd, row) }
  }
}

/// The first row whose tag, followed by ":", starts the line; -1 when no row does.
private func firstRow(_ bytes: ByteString, _ start: Int, _ end: Int) -> Int {
  for row in 0..<uriTable.count {
    let length = uriTable[row].tag.count
    if start + length < end && bytes.code(start + length) == colon && bytes.startsWith(uriTable[row].tag, start) {
      return row
    }
  }
  return -1
}

private let colon = 0x3a

/// The rows of the tag whose condition holds on this line. Looked up once a line: a hostile one repeats its attributes.
private func rowsOf(_ bytes: ByteString, _ attributes: [Attribute], _ first: Int) -> [Int] {
  var rows: [Int] = []
  for number in first..<uriTable.count {
    let row = uriTable[number]
    // R-PL-14
    if row.tag != uriTable[first].tag { return rows }
    // R-PL-15
    if row.whenName.isEmpty || attributeText(bytes, attributes, row.whenName) == row.whenValue { rows.append(number) }
  }
  return rows
}

/// The first of these rows that names this attribute; -1 when none does.
private func rowFor(_ rows: [Int], _ name: ByteString) -> Int {
  for number in rows where uriTable[number].attribute == name { return number }
  return -1
}

private func addPlace(_ places: inout [Int], _ start: Int, _ end: Int, _ row: Int) {
  if start < end {
    places.append(start)
    places.append(end)
    places.append(row)
  }
}
