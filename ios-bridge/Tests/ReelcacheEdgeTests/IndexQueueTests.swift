import ReelcacheCore
import XCTest

@testable import ReelcacheEdge

final class IndexQueueTests: XCTestCase {
  func testThePartsOfOneEntryReachTheDiskInOrderDeleteRowSpans() {
    // R-INDEX-11
    var queue = indexQueue(1_000)
    queueDrop(&queue, 1)
    queuePut(&queue, row(1, "k"))
    for span in 0..<3 { queueEdit(&queue, 1, SpanEdit(kind: .add, start: span * 10, end: span * 10 + 5)) }
    queueEdit(&queue, 1, SpanEdit(kind: .add, start: 25, end: 29))
    XCTAssertEqual(queueRows(queue), 5, "a span that goes on is merged")
    var parts: [String] = []
    while queueRows(queue) > 0 {
      let batch = queueBatch(queue, 1)
      XCTAssertEqual(batchRows(batch), 1)
      for part in batch.changes { parts.append(text(part)) }
      queueTake(&queue, batch)
      queueWritten(&queue, batch)
    }
    XCTAssertEqual(parts, ["1 dropped", "1 k", "1 +0-5", "1 +10-15", "1 +20-29"])
  }

  func testChangesComeBeforeTouchesAndALaterTouchCounts() {
    var queue = indexQueue(1_000)
    queueTouch(&queue, 7, 1)
    queueTouch(&queue, 8, 2)
    queueTouch(&queue, 7, 3)
    queuePut(&queue, row(9, "k"))
    queueTouch(&queue, 9, 4)
    let batch = queueBatch(queue, 100)
    XCTAssertEqual(batch.touches, [BatchTouch(id: 8, accessMs: 2), BatchTouch(id: 7, accessMs: 3)])
    XCTAssertEqual(batch.changes.map(text), ["9 k"])
    XCTAssertEqual(batch.changes.first?.change.row?.accessMs, 4, "a row that waits takes the touch along")
  }

  func testWhatIsBeingWrittenCountsAndTakesNoLaterChangesIn() {
    var queue = indexQueue(1_000)
    queuePut(&queue, row(1, "k"))
    queueEdit(&queue, 1, SpanEdit(kind: .add, start: 0, end: 5))
    let batch = queueBatch(queue, 100)
    queueTake(&queue, batch)
    XCTAssertEqual(queueRows(queue), 2, "it may come back")
    queueEdit(&queue, 1, SpanEdit(kind: .add, start: 5, end: 9))
    queueTouch(&queue, 1, 77)
    XCTAssertEqual(queueRows(queue), 4)
    queueWritten(&queue, batch)
    XCTAssertEqual(queueBatch(queue, 100).changes.map(text), ["1 +5-9"])
    XCTAssertEqual(queueBatch(queue, 100).touches, [BatchTouch(id: 1, accessMs: 77)])
  }

  func testWhatComesBackWaitsBeforeAndBeneathWhatCameMeanwhile() {
    // R-INDEX-12
    var queue = indexQueue(1_000)
    for id in 1...5 {
      queuePut(&queue, row(id, "old"))
      queueEdit(&queue, id, SpanEdit(kind: .add, start: 0, end: 5))
    }
    for id in 11...13 { queueTouch(&queue, id, 1) }
    let batch = queueBatch(queue, 100)
    queueTake(&queue, batch)
    queuePut(&queue, row(6, "new"))
    queuePut(&queue, row(2, "new"))
    queueEdit(&queue, 3, SpanEdit(kind: .cut, start: 1, end: 2))
    queueDrop(&queue, 4)
    queueDrop(&queue, 5)
    queuePut(&queue, row(5, "new"))
    queueTouch(&queue, 11, 2)
    queueDrop(&queue, 12)
    queueBack(&queue, batch)
    let all = queueBatch(queue, 100)
    XCTAssertEqual(
      all.changes.map(text),
      ["1 old +0-5", "2 new +0-5", "3 old +0-5 -1-2", "4 dropped", "5 dropped new", "6 new", "12 dropped"]
    )
    XCTAssertEqual(all.touches, [BatchTouch(id: 13, accessMs: 1), BatchTouch(id: 11, accessMs: 2)])
    XCTAssertEqual(queueRows(queue), batchRows(all))
    queueTake(&queue, all)
    queueWritten(&queue, all)
    XCTAssertEqual(queueRows(queue), 0)
  }

  func testARowThatComesBackTakesTheTouchOfMeanwhileAlongSoThatALaterOneCounts() {
    // R-INDEX-12
    var queue = indexQueue(1_000)
    queuePut(&queue, row(1, "k"))
    let batch = queueBatch(queue, 100)
    queueTake(&queue, batch)
    queueTouch(&queue, 1, 5)
    queueBack(&queue, batch)
    XCTAssertEqual(queueBatch(queue, 100).changes.first?.change.row?.accessMs, 5)
    XCTAssertEqual(queueRows(queue), 1)
    queueTouch(&queue, 1, 9)
    XCTAssertEqual(queueBatch(queue, 100).changes.first?.change.row?.accessMs, 9)
    XCTAssertEqual(queueBatch(queue, 100).touches, [], "nothing is written after it that is older")
  }

  func testAPartOfAChangeThatComesBackIsWholeAgain() {
    var queue = indexQueue(1_000)
    queueDrop(&queue, 1)
    queuePut(&queue, row(1, "k"))
    for span in 0..<4 { queueEdit(&queue, 1, SpanEdit(kind: .add, start: span * 10, end: span * 10 + 5)) }
    let whole = queueBatch(queue, 100)
    for rows in 1...5 {
      let part = queueBatch(queue, rows)
      queueTake(&queue, part)
      queueBack(&queue, part)
      XCTAssertEqual(queueBatch(queue, 100), whole)
      XCTAssertEqual(queueRows(queue), 6)
    }
  }

  func testTheOldestTouchesGoFirstThenTheOldestChanges() {
    // R-INDEX-9
    var queue = indexQueue(4)
    for id in 1...2 { queuePut(&queue, row(id, "k")) }
    for id in 11...13 { queueTouch(&queue, id, id) }
    XCTAssertEqual(queue.forgotten, 1)
    XCTAssertEqual(queueBatch(queue, 100).touches.map { $0.id }, [12, 13])
    for id in 3...5 { queuePut(&queue, row(id, "k")) }
    XCTAssertEqual(queue.forgotten, 4)
    XCTAssertEqual(queueBatch(queue, 100).changes.map(text), ["2 k", "3 k", "4 k", "5 k"])
    let batch = queueBatch(queue, 2)
    queueTake(&queue, batch)
    for id in 6...8 { queuePut(&queue, row(id, "k")) }
    XCTAssertEqual(queueRows(queue), 4, "what is being written counts")
    queueBack(&queue, batch)
    XCTAssertEqual(queueBatch(queue, 100).changes.map(text), ["2 k", "3 k", "7 k", "8 k"])
    queueClear(&queue)
    XCTAssertEqual(queueRows(queue), 0)
  }

  private func row(_ id: Int, _ key: ByteString) -> EntryRow {
    EntryRow(
      id: id,
      key: key,
      url: "u",
      finalUrl: "f",
      kind: .media,
      fields: [],
      total: -1,
      requestMs: 0,
      responseMs: 0,
      targetDurationMs: 0,
      accessMs: 0,
      pinned: false
    )
  }

  private func text(_ part: BatchChange) -> String {
    var words = ["\(part.id)"]
    if part.change.dropped { words.append("dropped") }
    if let row = part.change.row { words.append("\(row.key)") }
    for edit in part.change.edits { words.append("\(edit.kind == .add ? "+" : "-")\(edit.start)-\(edit.end)") }
    return words.joined(separator: " ")
  }
}
