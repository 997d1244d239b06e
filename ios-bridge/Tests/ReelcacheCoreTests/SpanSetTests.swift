import XCTest

@testable import ReelcacheCore

private let size = 48

/// Random span sets against the plainest model there is, one boolean a byte (rules R-SPAN-1 to R-SPAN-8).
final class SpanSetTests: XCTestCase {
  func testSpanSetsAgreeWithABooleanAByteWhateverIsAddedAndClipped() {
    for seed in 1...300 {
      var random = SeededRandom(seed)
      var spans: SpanSet = []
      var model = [Bool](repeating: false, count: size)
      for step in 0..<12 {
        let start = random.next(size)
        let end = random.next(size + 1)
        if random.next(8) == 0 {
          spanClip(&spans, end)
          for offset in end..<size { model[offset] = false }
        } else {
          spanAdd(&spans, start, end)
          for offset in start..<max(start, end) { model[offset] = true }
        }
        if !agree(spans, model) {
          return XCTFail("seed \(seed), step \(step): \(spans), model \(fromModel(model, 0, size, true))")
        }
      }
    }
  }

  func testAFlightsGrowingSpanStaysInPlace() {
    let entry = newBody(anEntry()).entry
    spanAdd(&entry.spans, 0, 10)
    let before = entry.spans.withUnsafeBufferPointer { $0.baseAddress }
    for end in 2...1000 { spanAdd(&entry.spans, (end - 1) * 10, end * 10) }
    XCTAssertEqual(entry.spans, [0, 10_000])
    XCTAssertEqual(entry.spans.withUnsafeBufferPointer { $0.baseAddress }, before)
  }

  private func agree(_ spans: SpanSet, _ model: [Bool]) -> Bool {
    let held = fromModel(model, 0, size, true)
    var same = spans == held && spanBytes(spans) == model.filter { $0 }.count
    for offset in 0...size {
      let hole = model[offset...].firstIndex(of: false) ?? size
      let end = offset < size && model[offset] ? hole : -1
      let next = stride(from: 0, to: held.count, by: 2).map { held[$0] }.first { $0 >= offset } ?? -1
      same = same && spanEndAt(spans, offset) == end && spanNextStart(spans, offset) == next
      for to in stride(from: offset, through: size, by: 5) {
        same = same && spanHoles(spans, offset, to) == fromModel(model, offset, to, false)
        same = same && spanCovers(spans, offset, to) == model[offset..<to].allSatisfy { $0 }
      }
    }
    return same
  }

  /// The runs of `value` between `start` and `end`, flat.
  private func fromModel(_ model: [Bool], _ start: Int, _ end: Int, _ value: Bool) -> [Int] {
    var runs: [Int] = []
    for offset in start..<end where model[offset] == value {
      if runs.last == offset {
        runs[runs.count - 1] = offset + 1
      } else {
        runs += [offset, offset + 1]
      }
    }
    return runs
  }

  private func anEntry() -> Entry {
    Entry(
      id: 1,
      key: "k",
      url: "k",
      finalUrl: "k",
      kind: .media,
      fields: [],
      total: -1,
      spans: [],
      requestMs: 0,
      responseMs: 0,
      targetDurationMs: 0,
      accessMs: 0,
      pinned: false
    )
  }
}
