/// The lines and attribute lists of a playlist as offsets into its bytes, so that what is not replaced survives byte for
/// byte (rfc8216bis sections 4.1 and 4.2). Playlists are byte strings.
///
/// *Content*: a line without its terminator (LF or CRLF) and without the white space around it.

/// The playlist's lines with their terminators; joined they are the input. A byte order mark stays on the first line.
package func splitLines(_ bytes: ByteString) -> [ByteString] {
  var lines: [ByteString] = []
  var start = 0
  while start < bytes.count {
    let next = lineNext(bytes, start)
    lines.append(bytes.slice(start, next))
    start = next
  }
  return lines
}

/// The offset just past the terminator of the line that holds `start`. A lone CR is no terminator.
package func lineNext(_ bytes: ByteString, _ start: Int) -> Int {
  // R-PL-1
  let feed = bytes.indexOf("\n", start)
  return feed < 0 ? bytes.count : feed + 1
}

/// The offset of a line's first content byte: past a byte order mark at 0, and past white space.
package func contentStart(_ bytes: ByteString, _ start: Int, _ next: Int) -> Int {
  // R-PL-2
  var offset = start == 0 && bytes.startsWith(byteOrderMark) ? byteOrderMark.count : start
  while offset < next && isLineSpace(bytes.code(offset)) { offset += 1 }
  return offset
}

/// The offset just past a line's last content byte; equals `start` for an empty line.
package func contentEnd(_ bytes: ByteString, _ start: Int, _ next: Int) -> Int {
  // R-PL-3
  var offset = next
  while offset > start && isLineSpace(bytes.code(offset - 1)) { offset -= 1 }
  return offset
}

/// U+FEFF in UTF-8, as bytes.
package let byteOrderMark = ByteString([0xef, 0xbb, 0xbf])

/// One attribute: its name, and the offsets of its value without the quotes.
package struct Attribute: Equatable, Sendable {
  package var name: ByteString
  package var valueStart: Int
  package var valueEnd: Int
  package var quoted: Bool
}

/// The attributes between two offsets, in order, repeated names included. Commas inside quotes separate nothing; white
/// space around names and values is not part of them; a name without "=" and a value whose quote never closes are left out.
package func attributeList(_ bytes: ByteString, _ start: Int, _ end: Int) -> [Attribute] {
  var attributes: [Attribute] = []
  var offset = start
  while offset < end {
    let nameStart = skipSeparators(bytes, offset, end)
    let nameEnd = nameStop(bytes, nameStart, end)
    if nameEnd >= end || bytes.code(nameEnd) == comma {
      offset = nameEnd + 1
      continue
    }
    let valueAt = contentStart(bytes, nameEnd + 1, end)
    let quoted = valueAt < end && bytes.code(valueAt) == quote
    // R-PL-4
    let valueStop = quoted ? indexBefore(bytes, quote, valueAt + 1, end) : indexBefore(bytes, comma, valueAt, end)
    if quoted && valueStop == end { return attributes }
    let name = bytes.slice(nameStart, contentEnd(bytes, nameStart, nameEnd))
    let valueStart = quoted ? valueAt + 1 : valueAt
    let valueEnd = quoted ? valueStop : contentEnd(bytes, valueAt, valueStop)
    attributes.append(Attribute(name: name, valueStart: valueStart, valueEnd: valueEnd, quoted: quoted))
    offset = valueStop + 1
  }
  return attributes
}

/// The text of the first attribute of that name, without quotes; nil when there is none.
package func attributeText(_ bytes: ByteString, _ attributes: [Attribute], _ name: ByteString) -> ByteString? {
  for attribute in attributes where attribute.name == name {
    return bytes.slice(attribute.valueStart, attribute.valueEnd)
  }
  return nil
}

private let comma = 0x2c
private let quote = 0x22
private let equalsSign = 0x3d

private func isLineSpace(_ code: Int) -> Bool {
  code == 0x20 || code == 0x09 || code == 0x0d || code == 0x0a
}

private func skipSeparators(_ bytes: ByteString, _ start: Int, _ end: Int) -> Int {
  var offset = start
  while offset < end && (bytes.code(offset) == comma || isLineSpace(bytes.code(offset))) { offset += 1 }
  return offset
}

private func nameStop(_ bytes: ByteString, _ start: Int, _ end: Int) -> Int {
  var offset = start
  while offset < end && bytes.code(offset) != equalsSign && bytes.code(offset) != comma { offset += 1 }
  return offset
}

/// The mark's offset, or `end` when it does not stand before `end`; never looks beyond, or many lines would cost a
/// square.
private func indexBefore(_ bytes: ByteString, _ mark: Int, _ start: Int, _ end: Int) -> Int {
  var offset = start
  while offset < end && bytes.code(offset) != mark { offset += 1 }
  return offset < end ? offset : end
}
