/// A dictionary that is walked in the order of insertion, as JavaScript's Map is: a seeded run must not depend on hashes.
struct OrderedMap<Key: Hashable, Value> {
  private(set) var values: [Value] = []
  private var places: [Key: Int] = [:]

  var count: Int { values.count }

  func get(_ key: Key) -> Value? {
    places[key].map { values[$0] }
  }

  mutating func set(_ key: Key, _ value: Value) {
    if let place = places[key] {
      values[place] = value
    } else {
      places[key] = values.count
      values.append(value)
    }
  }
}
