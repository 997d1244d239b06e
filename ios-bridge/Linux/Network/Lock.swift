import Glibc

/// A mutex. Nobody calls out of the module while holding one.
final class Lock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  @inline(__always) func lock() { pthread_mutex_lock(mutex) }
  @inline(__always) func unlock() { pthread_mutex_unlock(mutex) }

  @inline(__always) func locked<Value>(_ body: () throws -> Value) rethrows -> Value {
    lock()
    defer { unlock() }
    return try body()
  }
}

/// First in, first out; taking from the front costs no move of the rest.
struct Fifo<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var count: Int { elements.count - head }

  /// Of the element at this distance from the front.
  subscript(_ index: Int) -> Element {
    get {
      guard let element = elements[head + index] else { preconditionFailure("taken before") }
      return element
    }
    set { elements[head + index] = newValue }
  }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func removeFirst() -> Element {
    let element = self[0]
    elements[head] = nil
    head += 1
    if head == elements.count {
      elements.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head * 2 >= elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Everything, in order.
  var all: [Element] { elements[head...].compactMap { $0 } }

  /// Everything, in order; nothing stays.
  mutating func removeAll() -> [Element] {
    defer { self = Fifo() }
    return all
  }
}
