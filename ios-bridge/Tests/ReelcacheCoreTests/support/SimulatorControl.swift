@testable import ReelcacheCore

extension Simulator {
  /// Carries out a command; the texts that it needs are read at once.
  func control(_ name: ByteString, _ command: ControlCommand) {
    let shelf = TextShelf()
    var answer = controlAnswer(state, command, shelf, nowMs)
    while answer == nil {
      for body in shelf.needed { shelf.texts[body.entry.id] = files[body.entry.id] ?? "" }
      answer = controlAnswer(state, command, shelf, nowMs)
    }
    guard let answer else { return }
    let content = answer.content
    lines.append("\(name) control \(answer.status) \(content.slice(0, contentEnd(content, 0, content.count)))")
  }
}
