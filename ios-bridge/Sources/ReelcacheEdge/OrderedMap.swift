/// Values by a key, in the order in which they were added: what JavaScript's Map is to the reference, and no more.
/// Every operation but `prepend` takes constant time on average.
struct OrderedMap<Key: Hashable, Value> {
  /// Where a key stands in `keys` and `values`; what was removed leaves a gap there until the next clean-up.
  private var places: [Key: Int] = [:]
  private var keys: [Key] = []
  private var values: [Value?] = []
  /// No value stands before it.
  private var head = 0

  var count: Int { places.count }
  var isEmpty: Bool { places.isEmpty }

  subscript(key: Key) -> Value? {
    guard let place = places[key] else { return nil }
    return values[place]
  }

  /// The value that was added first, with its key.
  var first: (key: Key, value: Value)? {
    for place in head..<values.count {
      if let value = values[place] { return (keys[place], value) }
    }
    return nil
  }

  /// Adds a value at the end, or replaces the key's where it stands.
  mutating func set(_ key: Key, _ value: Value) {
    if let place = places[key] {
      values[place] = value
      return
    }
    places[key] = values.count
    keys.append(key)
    values.append(value)
  }

  /// Adds a value at the end, or moves the key's there.
  mutating func setLast(_ key: Key, _ value: Value) {
    if let place = places.updateValue(values.count, forKey: key) { values[place] = nil }
    keys.append(key)
    values.append(value)
    passGaps()
  }

  /// Changes the value of a key where it stands; nil when there is none.
  mutating func change<Result>(_ key: Key, _ body: (inout Value) -> Result) -> Result? {
    guard let place = places[key], var value = values[place] else { return nil }
    // Held once, what it holds is changed in place.
    values[place] = nil
    defer { values[place] = value }
    return body(&value)
  }

  @discardableResult
  mutating func remove(_ key: Key) -> Value? {
    guard let place = places.removeValue(forKey: key) else { return nil }
    let value = values[place]
    values[place] = nil
    passGaps()
    return value
  }

  mutating func removeAll() {
    self = OrderedMap()
  }

  /// Adds values in front, in their order; none of their keys may be there.
  mutating func prepend(_ added: [(key: Key, value: Value)]) {
    if !added.isEmpty { closeGaps(added) }
  }

  /// Hands each value to `body`, in order, until it says false. The map must not change meanwhile.
  func forEach(_ body: (Key, Value) -> Bool) {
    for place in head..<values.count {
      if let value = values[place], !body(keys[place], value) { return }
    }
  }

  private mutating func passGaps() {
    while head < values.count && values[head] == nil { head += 1 }
    if values.count > 2 * places.count + 32 { closeGaps([]) }
  }

  private mutating func closeGaps(_ front: [(key: Key, value: Value)]) {
    let old = self
    self = OrderedMap()
    places.reserveCapacity(front.count + old.count)
    for (key, value) in front { set(key, value) }
    old.forEach { key, value in
      set(key, value)
      return true
    }
  }
}
