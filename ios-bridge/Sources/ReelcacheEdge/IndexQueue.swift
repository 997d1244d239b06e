import ReelcacheCore

/// What the index still has to write: changes by entry id, in order of arrival, later ones merged into earlier ones.
/// Plain data, so that the order in which rows reach the disk is decided in one place.

/// The columns of an entry's row, as they stand in the database.
package struct EntryRow: Equatable, Sendable {
  package var id: Int
  package var key: ByteString
  package var url: ByteString
  package var finalUrl: ByteString
  package var kind: EntryKind
  /// Field names and values, flat; in the database a JSON array.
  package var fields: FieldList
  package var total: Int
  package var requestMs: Int
  package var responseMs: Int
  package var targetDurationMs: Int
  package var accessMs: Int
  package var pinned: Bool
}

/// Adds the span to those stored, or cuts it out of them.
package struct SpanEdit: Equatable, Sendable {
  package enum Kind: String, Sendable {
    case add
    case cut
  }
  package let kind: Kind
  package var start: Int
  package var end: Int
}

/// All that waits for one id, written in this order: delete, row, spans.
package struct Change: Equatable, Sendable {
  package var dropped = false
  package var row: EntryRow?
  package var edits: [SpanEdit] = []
}

package struct IndexQueue {
  fileprivate var changes = OrderedMap<Int, Change>()
  /// Last access by id, oldest note first.
  fileprivate var touches = OrderedMap<Int, Int>()
  /// Rows in `changes`; with `touches.count` and `writingRows` this is the length of the queue.
  fileprivate var changedRows = 0
  /// Rows of the batch that is being written, and may come back.
  fileprivate var writingRows = 0
  fileprivate let rowsMax: Int
  /// Rows given up because the queue was full.
  package fileprivate(set) var forgotten = 0
}

/// One batch, off the front of the queue.
package struct Batch: Equatable, Sendable {
  package var changes: [BatchChange] = []
  package var touches: [BatchTouch] = []
}

package struct BatchChange: Equatable, Sendable {
  package let id: Int
  package let change: Change
}

package struct BatchTouch: Equatable, Sendable {
  package let id: Int
  package let accessMs: Int
}

/// An empty queue that holds at most `rowsMax` rows.
package func indexQueue(_ rowsMax: Int) -> IndexQueue {
  IndexQueue(rowsMax: rowsMax)
}

/// Rows that wait or are being written.
package func queueRows(_ queue: IndexQueue) -> Int {
  queue.changedRows + queue.touches.count + queue.writingRows
}

/// Rows that are to be written at once, 0 when all may wait: as many changes as a transaction takes, or half of what may
/// wait. Touches by themselves wait, since most of what is in use is touched again soon, and the latest replaces them.
package func queueDue(_ queue: IndexQueue, _ rowsMax: Int) -> Int {
  // R-INDEX-14
  let rows = queueRows(queue)
  if rows * 2 > queue.rowsMax { return rows }
  return queue.changedRows >= rowsMax ? queue.changedRows : 0
}

/// The row is to be inserted, or to replace the id's row.
package func queuePut(_ queue: inout IndexQueue, _ row: EntryRow) {
  let added = withChange(&queue, row.id) { change in
    defer { change.row = row }
    return change.row == nil ? 1 : 0
  }
  queue.changedRows += added
  queue.touches.remove(row.id)
  makeRoom(&queue)
}

/// A span was written, or is gone; one that goes on from the one before is merged with it.
package func queueEdit(_ queue: inout IndexQueue, _ id: Int, _ edit: SpanEdit) {
  let added = withChange(&queue, id) { change in
    let last = change.edits.count - 1
    if last >= 0 && merges(change.edits[last], edit) {
      change.edits[last].start = min(change.edits[last].start, edit.start)
      change.edits[last].end = max(change.edits[last].end, edit.end)
      return 0
    }
    change.edits.append(edit)
    return 1
  }
  queue.changedRows += added
  if added > 0 { makeRoom(&queue) }
}

/// The entry was used. The latest counts.
package func queueTouch(_ queue: inout IndexQueue, _ id: Int, _ accessMs: Int) {
  let inRow = queue.changes.change(id) { change in
    change.row?.accessMs = accessMs
    return change.row != nil
  }
  if inRow == true { return }
  queue.touches.setLast(id, accessMs)
  makeRoom(&queue)
}

/// The entry is gone: what waits for it need not be written.
package func queueDrop(_ queue: inout IndexQueue, _ id: Int) {
  // R-INDEX-6
  let added = withChange(&queue, id) { change in
    let before = changeRows(change)
    change = Change(dropped: true)
    return 1 - before
  }
  queue.changedRows += added
  queue.touches.remove(id)
  makeRoom(&queue)
}

/// Forgets everything that waits.
package func queueClear(_ queue: inout IndexQueue) {
  queue.changes.removeAll()
  queue.touches.removeAll()
  queue.changedRows = 0
}

/// The first rows of the queue, at most `rowsMax`: changes before touches. They stay until `queueTake`.
package func queueBatch(_ queue: IndexQueue, _ rowsMax: Int) -> Batch {
  var batch = Batch()
  var room = rowsMax
  queue.changes.forEach { id, change in
    if room == 0 { return false }
    // R-INDEX-11: the parts of one change are taken in their order, so that a row never comes after its spans.
    var part = Change(dropped: change.dropped)
    if part.dropped { room -= 1 }
    if room > 0 && change.row != nil {
      part.row = change.row
      room -= 1
    }
    part.edits = Array(change.edits.prefix(room))
    room -= part.edits.count
    batch.changes.append(BatchChange(id: id, change: part))
    return true
  }
  queue.touches.forEach { id, accessMs in
    if room == 0 { return false }
    batch.touches.append(BatchTouch(id: id, accessMs: accessMs))
    room -= 1
    return true
  }
  return batch
}

/// Takes a batch off the queue to write it. Nothing may have been queued since `queueBatch`.
///
/// The reference takes it off once it is written. Here it is written by another thread while changes go on coming, and
/// none of them may be merged into what is on its way: what fails comes back by `queueBack`.
package func queueTake(_ queue: inout IndexQueue, _ batch: Batch) {
  for part in batch.changes {
    let left = queue.changes.change(part.id) { change in
      if part.change.dropped { change.dropped = false }
      if part.change.row != nil { change.row = nil }
      change.edits.removeFirst(part.change.edits.count)
      return changeRows(change)
    }
    queue.changedRows -= changeRows(part.change)
    if left == 0 { queue.changes.remove(part.id) }
  }
  for touch in batch.touches { queue.touches.remove(touch.id) }
  queue.writingRows += batchRows(batch)
}

/// The batch that was taken is written, or given up.
package func queueWritten(_ queue: inout IndexQueue, _ batch: Batch) {
  queue.writingRows -= batchRows(batch)
}

/// The batch that was taken could not be written: it waits again, before and beneath what came meanwhile.
package func queueBack(_ queue: inout IndexQueue, _ batch: Batch) {
  queue.writingRows -= batchRows(batch)
  var changes: [(key: Int, value: Change)] = []
  for part in batch.changes {
    let later = queue.changes.remove(part.id) ?? Change()
    var whole = joinedChange(part.change, later)
    // A touch of meanwhile found no row to go into. Left apart, it would be written after a later one that does.
    if whole.row != nil, let accessMs = queue.touches.remove(part.id) { whole.row?.accessMs = accessMs }
    queue.changedRows += changeRows(whole) - changeRows(later)
    changes.append((part.id, whole))
  }
  queue.changes.prepend(changes)
  var touches: [(key: Int, value: Int)] = []
  for touch in batch.touches where queue.touches[touch.id] == nil {
    let later = queue.changes[touch.id]
    if later?.dropped != true && later?.row == nil { touches.append((touch.id, touch.accessMs)) }
  }
  queue.touches.prepend(touches)
  makeRoom(&queue)
}

/// Rows of a batch.
package func batchRows(_ batch: Batch) -> Int {
  var rows = batch.touches.count
  for part in batch.changes { rows += changeRows(part.change) }
  return rows
}

private func withChange(_ queue: inout IndexQueue, _ id: Int, _ body: (inout Change) -> Int) -> Int {
  if let result = queue.changes.change(id, body) { return result }
  var change = Change()
  let result = body(&change)
  queue.changes.set(id, change)
  return result
}

private func merges(_ last: SpanEdit, _ edit: SpanEdit) -> Bool {
  last.kind == edit.kind && last.start <= edit.end && edit.start <= last.end
}

/// What two changes of one id come to, the earlier one first.
private func joinedChange(_ earlier: Change, _ later: Change) -> Change {
  if later.dropped { return later }
  return Change(dropped: earlier.dropped, row: later.row ?? earlier.row, edits: earlier.edits + later.edits)
}

private func changeRows(_ change: Change) -> Int {
  (change.dropped ? 1 : 0) + (change.row == nil ? 0 : 1) + change.edits.count
}

/// Keeps the queue bounded while nothing can be written. Each loss is safe: without a touch an entry looks older,
/// without a row or a span its bytes are fetched again in a later run, and a drop that is lost leaves a row whose file
/// is missing, which the next start finds out.
private func makeRoom(_ queue: inout IndexQueue) {
  while queueRows(queue) > queue.rowsMax {
    // R-INDEX-9
    if let oldestTouch = queue.touches.first {
      queue.touches.remove(oldestTouch.key)
      queue.forgotten += 1
      continue
    }
    guard let oldest = queue.changes.first else { return }
    queue.changes.remove(oldest.key)
    queue.changedRows -= changeRows(oldest.value)
    queue.forgotten += changeRows(oldest.value)
  }
}
