/// A bounded memory of URLs: the oldest is forgotten first.
package final class UrlMemory {
  package let max: Int
  var known: Set<ByteString> = []
  var ring: [ByteString] = []
  var next = 0

  init(max: Int) {
    self.max = max
  }
}

/// An empty memory for `max` URLs.
package func newUrlMemory(_ max: Int) -> UrlMemory {
  UrlMemory(max: max)
}

/// Remembers a URL.
package func rememberUrl(_ memory: UrlMemory, _ url: ByteString) {
  // A memory without room remembers nothing.
  if memory.max <= 0 || memory.known.contains(url) { return }
  if memory.ring.count < memory.max {
    memory.ring.append(url)
  } else {
    memory.known.remove(memory.ring[memory.next])
    memory.ring[memory.next] = url
    memory.next = (memory.next + 1) % memory.max
  }
  memory.known.insert(url)
}

/// Whether the URL is remembered.
package func remembersUrl(_ memory: UrlMemory, _ url: ByteString) -> Bool {
  memory.known.contains(url)
}
