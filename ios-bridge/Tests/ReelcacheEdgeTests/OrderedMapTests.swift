import XCTest

@testable import ReelcacheEdge

final class OrderedMapTests: XCTestCase {
  func testValuesStandInTheOrderInWhichTheirKeysWereAdded() {
    var map = OrderedMap<Int, String>()
    for (key, value) in [(5, "a"), (1, "b"), (3, "c")] { map.set(key, value) }
    map.set(5, "A")
    XCTAssertEqual(contents(map), ["5A", "1b", "3c"], "a key that is there keeps its place")
    XCTAssertEqual(map.remove(1), "b")
    XCTAssertNil(map.remove(1))
    map.set(1, "B")
    XCTAssertEqual(contents(map), ["5A", "3c", "1B"])
    XCTAssertEqual(map.first?.key, 5)
    map.prepend([(8, "x"), (9, "y")])
    XCTAssertEqual(contents(map), ["8x", "9y", "5A", "3c", "1B"])
    XCTAssertEqual(map.change(3) { $0 += "!" } != nil, true)
    XCTAssertNil(map.change(4) { $0 += "!" })
    XCTAssertEqual(map[3], "c!")
    map.setLast(5, "a")
    map.setLast(6, "n")
    XCTAssertEqual(contents(map), ["8x", "9y", "3c!", "1B", "5a", "6n"])
    map.removeAll()
    XCTAssert(map.isEmpty)
    XCTAssertNil(map.first)
  }

  func testItStaysTheSameAsAPlainListThroughManyChanges() {
    var map = OrderedMap<Int, String>()
    var list: [(key: Int, value: String)] = []
    var state: UInt64 = 42
    for step in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let key = Int(state >> 33) % 60 - 10
      let place = list.firstIndex { $0.key == key }
      switch Int(state >> 60) % 5 {
      case 0:
        map.remove(key)
        if let place { list.remove(at: place) }
      case 1:
        map.remove(key)
        map.set(key, "\(step)")
        if let place { list.remove(at: place) }
        list.append((key, "\(step)"))
      case 2:
        map.setLast(key, "\(step)")
        if let place { list.remove(at: place) }
        list.append((key, "\(step)"))
      case 3:
        map.set(key, "\(step)")
        if let place { list[place].value = "\(step)" } else { list.append((key, "\(step)")) }
      default:
        if place == nil {
          map.prepend([(key, "\(step)")])
          list.insert((key, "\(step)"), at: 0)
        }
      }
      if step % 97 == 0 { XCTAssertEqual(contents(map), list.map { "\($0.key)\($0.value)" }) }
      XCTAssertEqual(map.count, list.count)
      XCTAssertEqual(map.first?.key, list.first?.key)
    }
  }

  private func contents(_ map: OrderedMap<Int, String>) -> [String] {
    var all: [String] = []
    map.forEach { key, value in
      all.append("\(key)\(value)")
      return true
    }
    return all
  }
}
