import ReelcacheCore

/// What one request head may come to. As with the reference's parser the target and the names and values count, spaces
/// around values included, line ends and colons not; trailer fields have a budget of their own.
struct HeadBudget: Sendable {
  /// In bytes; a head that reaches it is too large.
  let bytesMax: Int
  /// Lines of fields in one head.
  static let fieldsMax = 1_000
  private var spent = 0
  /// Bytes of the text under way that are counted already.
  private var counted = 0
  private var fields = 0

  init(_ bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  mutating func reset() {
    spent = 0
    counted = 0
    fields = 0
  }

  /// Counts a text of which so many bytes are there; false when the head is too large.
  mutating func grow(_ count: Int) -> Bool {
    spent += count - counted
    counted = count
    return spent < bytesMax
  }

  /// Counts a text that is complete; false when the head is too large.
  mutating func close(_ count: Int) -> Bool {
    let fits = grow(count)
    counted = 0
    return fits
  }

  /// Counts a field; false when there are too many.
  mutating func addField() -> Bool {
    fields += 1
    return fields <= HeadBudget.fieldsMax
  }
}

/// How far a part of a request has been read.
enum ReadStep: Equatable {
  /// All bytes are taken, and more are needed.
  case more
  case done
  case refused(ErrorCode)
}
