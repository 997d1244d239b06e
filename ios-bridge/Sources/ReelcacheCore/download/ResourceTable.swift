/// Every resource by its cache key: the version that is served, and the flight, if one is under way, that decides a
/// new one. While a flight decides, whoever needs the decision waits for it (SPEC: R-FLIGHT-1).

/// One resource.
package final class Slot {
  package let key: ByteString
  var current: Body?
  var opening: Flight?

  init(key: ByteString) {
    self.key = key
  }
}

/// All resources, and the bodies that may be evicted.
package final class ResourceTable {
  var slots: [ByteString: Slot] = [:]
  /// Current bodies that are variants, by the key of their resource, oldest first.
  var variants: [ByteString: [Body]] = [:]
  /// Current bodies, in no order.
  @exclusivity(unchecked) package var bodies: [Body] = []
  /// Place of a body in `bodies`, by entry id.
  var places: [Int: Int] = [:]
  /// Bytes in files of current bodies.
  @exclusivity(unchecked) package var bytes = 0
}

/// An empty table.
package func newResourceTable() -> ResourceTable {
  ResourceTable()
}

/// The slot of a key, or nil.
package func findSlot(_ table: ResourceTable, _ key: ByteString) -> Slot? {
  table.slots[key]
}

/// The slot of a key, made when missing.
package func slotFor(_ table: ResourceTable, _ key: ByteString) -> Slot {
  if let found = table.slots[key] { return found }
  let slot = Slot(key: key)
  table.slots[key] = slot
  return slot
}

/// Makes a body the one that its key finds. The slot must have none.
package func installBody(_ table: ResourceTable, _ slot: Slot, _ body: Body) {
  slot.current = body
  body.hidden = false
  table.places[body.entry.id] = table.bodies.count
  table.bodies.append(body)
  table.bytes += spanBytes(body.entry.spans)
  let resource = resourceKey(body.entry.key)
  if resource != body.entry.key { table.variants[resource, default: []].append(body) }
}

/// Takes a body out of the table; it lives on for those who use it.
package func removeBody(_ table: ResourceTable, _ body: Body) {
  guard let place = table.places[body.entry.id] else { return }
  if let last = table.bodies.popLast(), last !== body {
    table.bodies[place] = last
    table.places[last.entry.id] = place
  }
  table.places[body.entry.id] = nil
  table.bytes -= spanBytes(body.entry.spans)
  body.hidden = true
  if let slot = table.slots[body.entry.key], slot.current === body { slot.current = nil }
  dropEmptySlot(table, body.entry.key)
  dropVariant(table, body)
}

/// The stored variants of a resource, oldest first.
package func variantsOf(_ table: ResourceTable, _ resource: ByteString) -> [Body] {
  table.variants[resource] ?? []
}

/// Forgets the slot of a key that holds nothing.
package func dropEmptySlot(_ table: ResourceTable, _ key: ByteString) {
  if let slot = table.slots[key], slot.current == nil, slot.opening == nil { table.slots[key] = nil }
}

private func dropVariant(_ table: ResourceTable, _ body: Body) {
  let resource = resourceKey(body.entry.key)
  guard var others = table.variants[resource], let place = others.firstIndex(where: { $0 === body }) else { return }
  others.remove(at: place)
  table.variants[resource] = others.isEmpty ? nil : others
}
