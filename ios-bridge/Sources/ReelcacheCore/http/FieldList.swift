/// The fields of one message head: name, value, name, value, in the order and case of the wire (RFC 9110 section 5).
/// Names compare without case.
package typealias FieldList = [ByteString]

/// The value of the first field of that name, nil when there is none.
package func fieldFirst(_ fields: FieldList, _ name: ByteString) -> ByteString? {
  var at = 0
  while at + 1 < fields.count {
    // R-FIELD-1
    if equalIgnoreCase(fields[at], name) { return fields[at + 1] }
    at += 2
  }
  return nil
}

/// How many fields of that name there are.
package func fieldCount(_ fields: FieldList, _ name: ByteString) -> Int {
  var count = 0
  var at = 0
  while at + 1 < fields.count {
    if equalIgnoreCase(fields[at], name) { count += 1 }
    at += 2
  }
  return count
}

/// The values of all fields of that name, joined by ", " in order (RFC 9110 section 5.3); nil when there is none.
package func fieldCombined(_ fields: FieldList, _ name: ByteString) -> ByteString? {
  fieldJoined(fields, name, ", ")
}

/// The values of all fields of that name, joined by `separator` in order; nil when there is none.
package func fieldJoined(_ fields: FieldList, _ name: ByteString, _ separator: ByteString) -> ByteString? {
  var joined: ByteString?
  var at = 0
  while at + 1 < fields.count {
    if equalIgnoreCase(fields[at], name) {
      let value = fields[at + 1]
      // R-FIELD-2
      joined = joined.map { $0 + separator + value } ?? value
    }
    at += 2
  }
  return joined
}

/// The elements of a comma-separated list, white space trimmed, empty ones dropped (RFC 9110 section 5.6.1.2).
/// A comma inside a quoted string separates nothing; an unclosed quote runs to the end.
package func listItems(_ value: ByteString) -> [ByteString] {
  var items: [ByteString] = []
  var start = 0
  var quoted = false
  var at = 0
  while at < value.count {
    let code = value.code(at)
    // R-FIELD-3
    if quoted && code == 92 {
      at += 1
    } else if code == 34 {
      quoted.toggle()
    } else if code == 44 && !quoted {
      appendItem(&items, value.slice(start, at))
      start = at + 1
    }
    at += 1
  }
  appendItem(&items, value.slice(start))
  return items
}

/// Gives the field that value: the first of the name is replaced where it stands, others of it go, or it is appended.
package func fieldSet(_ fields: inout FieldList, _ name: ByteString, _ value: ByteString) {
  var kept = 0
  var placed = false
  var at = 0
  while at + 1 < fields.count {
    let same = equalIgnoreCase(fields[at], name)
    // R-FIELD-4
    if !(same && placed) {
      fields[kept] = same ? name : fields[at]
      fields[kept + 1] = same ? value : fields[at + 1]
      kept += 2
      placed = placed || same
    }
    at += 2
  }
  fields.removeSubrange(kept...)
  if !placed {
    fields.append(name)
    fields.append(value)
  }
}

/// Removes every field of that name.
package func fieldRemove(_ fields: inout FieldList, _ name: ByteString) {
  var kept = 0
  var at = 0
  while at + 1 < fields.count {
    if !equalIgnoreCase(fields[at], name) {
      fields[kept] = fields[at]
      fields[kept + 1] = fields[at + 1]
      kept += 2
    }
    at += 2
  }
  fields.removeSubrange(kept...)
}

/// True when the value may stand in a field line: no control byte but the tab (RFC 9110 section 5.5).
package func isFieldValue(_ value: ByteString) -> Bool {
  for at in 0..<value.count {
    let code = value.code(at)
    // R-FIELD-5
    if (code < 32 && code != 9) || code == 127 { return false }
  }
  return true
}

private func appendItem(_ items: inout [ByteString], _ text: ByteString) {
  let item = trimOws(text)
  if item.count > 0 { items.append(item) }
}
