import Glibc
import LinuxCalls

/// A set of sockets (epoll), and the thread that waits for what happens to them.
final class SocketWatch: @unchecked Sendable {
  /// Stands for the end of the watch; sockets' numbers begin at 1.
  private static let endToken: UInt64 = 0
  private static let eventsPerRound = 64

  private let epoll: Int32
  private let end: Int32
  private weak var runner: QueueRunner?

  init() {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    end = eventfd(0, Int32(EFD_CLOEXEC))
    precondition(epoll >= 0 && end >= 0, "no descriptor for an event queue")
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: SocketWatch.endToken))
    epoll_ctl(epoll, EPOLL_CTL_ADD, end, &event)
  }

  deinit {
    close(epoll)
    close(end)
  }

  /// Adds a socket, or changes the number or the interest of one that is there: its edges are told from now on, the
  /// present state first. Room for output is told only when asked for: hardly any write ever waits for it, and a new
  /// socket would wake the thread for nothing but its empty buffer.
  func set(_ operation: Int32, _ descriptor: Int32, _ token: UInt64, output: Bool) {
    let interest = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue | (output ? EPOLLOUT.rawValue : 0)
    var event = epoll_event(events: interest, data: epoll_data_t(u64: token))
    epoll_ctl(epoll, operation, descriptor, &event)
  }

  /// Begins to watch. The thread holds this object, not the runner, and ends with `stop`.
  func start(_ runner: QueueRunner) {
    self.runner = runner
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let result = pthread_create(
      &thread,
      &attributes,
      { context in
        pthread_setname_np(pthread_self(), "network.sockets")
        if let context { Unmanaged<SocketWatch>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      },
      Unmanaged.passRetained(self).toOpaque()
    )
    precondition(result == 0, "no thread for an event queue")
    pthread_attr_destroy(&attributes)
  }

  func stop() {
    var one: UInt64 = 1
    _ = write(end, &one, MemoryLayout<UInt64>.size)
  }

  private func run() {
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: SocketWatch.eventsPerRound) { events in
      while true {
        var found = wait(events, -1)
        if found.contains(where: { $0.data.u64 == SocketWatch.endToken }) { return }
        guard let runner else { continue }
        // Held meanwhile: a runner that goes would take callbacks along that its users wait for.
        while runner.handle(found) { found = wait(events, 0) }
      }
    }
  }

  /// What happened to the sockets; waits for it at most so many milliseconds, -1 without end.
  private func wait(
    _ events: UnsafeMutableBufferPointer<epoll_event>,
    _ milliseconds: Int32
  ) -> UnsafeBufferPointer<epoll_event> {
    guard let start = events.baseAddress else { return UnsafeBufferPointer(events) }
    let count = epoll_wait(epoll, start, Int32(events.count), milliseconds)
    return UnsafeBufferPointer(start: start, count: Int(max(0, count)))
  }
}
