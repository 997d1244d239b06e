/// One file in use. `descriptor` is -1 until it is open.
final class SpanFile {
  let id: Int
  var descriptor: Int32 = -1
  /// A write of a new id waits for it.
  var creates = false
  /// Nothing else was open or closing when its opening was tried last.
  var alone = false
  /// Operations that hold the descriptor open, and those that wait for it.
  var uses = 0
  var writing = false
  /// Removed: it is closed with its last operation.
  var removed = false
  /// Since it was opened, or waits to be.
  var read = false
  /// Operations that wait for the opening.
  var waiting: [(FileError?) -> Void] = []

  init(_ id: Int) {
    self.id = id
  }
}

/// What an operation does that needs a file open: a write of a new id creates it.
enum FileUse {
  case creates
  case reads
  case other
}
