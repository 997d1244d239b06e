/// Reads stored playlists for who asks what is stored: the core says which texts it needs, as often as it needs some.
import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Bytes of texts for one answer; of more the rest counts as unreadable.
private let shelfBytesMax = 67_108_864

/// Times that texts are read for one answer: a playlist may be replaced meanwhile, but not for ever.
private let roundsMax = 8

/// Asks the core; when it needs texts, reads them and asks again. `ask` returns nil until it has all that it needs;
/// `done` is called with what it returned then, at once when nothing had to be read, and with nil when the proxy stopped
/// meanwhile.
package func withTexts<Answer>(
  _ engine: Engine,
  _ ask: @escaping (TextShelf, Int) -> Answer?,
  _ done: @escaping (Answer?) -> Void
) {
  ShelfRounds(engine, ask, done).round()
}

/// One question and the rounds that its answer takes. Lives on the loop, in the reads that it waits for.
private final class ShelfRounds<Answer>: @unchecked Sendable {
  private let engine: Engine
  private let ask: (TextShelf, Int) -> Answer?
  private let done: (Answer?) -> Void
  private let shelf = TextShelf()
  /// Of the text that is being read, what is here.
  private var text = ByteString()
  private var left = shelfBytesMax
  private var rounds = 0

  init(_ engine: Engine, _ ask: @escaping (TextShelf, Int) -> Answer?, _ done: @escaping (Answer?) -> Void) {
    self.engine = engine
    self.ask = ask
    self.done = done
  }

  func round() {
    var answer: Answer?
    if !engine.stopped { engine.run { nowMs in answer = ask(shelf, nowMs) } }
    if answer != nil || engine.stopped {
      done(answer)
      return
    }
    rounds += 1
    next(shelf.needed[...])
  }

  private func next(_ bodies: ArraySlice<Body>) {
    var rest = bodies
    while let body = rest.popFirst() {
      let length = body.entry.total
      if length > left || length == 0 || rounds > roundsMax {
        shelf.texts[body.entry.id] = ""
        continue
      }
      left -= length
      body.uses += 1
      let others = rest
      text = ByteString()
      readText(body, length) { good in
        self.engine.run { _ in
          body.uses -= 1
          releaseBody(self.engine.state, body)
        }
        self.shelf.texts[body.entry.id] = good ? self.text : ""
        self.next(others)
      }
      return
    }
    round()
  }

  /// Reads the rest of the body's text, which is of no use when that fails; its file stays meanwhile.
  private func readText(_ body: Body, _ length: Int, _ done: @escaping (Bool) -> Void) {
    if text.count == length {
      done(true)
      return
    }
    let wanted = min(length - text.count, engine.state.options.limits.readPieceBytes)
    engine.files.read(body.entry.id, text.count, wanted) { error, bytes in
      if error != nil || bytes.count < wanted {
        done(false)
        return
      }
      self.text.bytes.append(contentsOf: bytes)
      self.readText(body, length, done)
    }
  }
}
