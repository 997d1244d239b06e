import Glibc
import LinuxCalls

/// The one thread that waits for sockets. It watches each queue's own set of sockets (`QueueRunner`), and wakes the
/// queue whose set has something to tell; it handles no socket itself.
final class Poller: @unchecked Sendable {
  static let shared = Poller()

  private let lock = Lock()
  private let epoll: Int32
  private var runners: [UInt64: WeakRunner] = [:]
  private var lastId: UInt64 = 0

  private struct WeakRunner {
    weak var runner: QueueRunner?
  }

  private init() {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    precondition(epoll >= 0, "no descriptor for the event queue")
    startThread()
  }

  /// Watches a runner's set, not armed yet. The number stands for the runner from now on.
  func add(_ runner: QueueRunner, _ descriptor: Int32) -> UInt64 {
    let id = lock.locked {
      lastId += 1
      runners[lastId] = WeakRunner(runner: runner)
      return lastId
    }
    var event = epoll_event(events: 0, data: epoll_data_t(u64: id))
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
    return id
  }

  func remove(_ id: UInt64, _ descriptor: Int32) {
    var event = epoll_event()
    epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event)
    lock.locked { _ = runners.removeValue(forKey: id) }
  }

  /// Asks to be told once, as soon as the set has an event; at once, when it has one already.
  func arm(_ id: UInt64, _ descriptor: Int32) {
    var event = epoll_event(events: EPOLLIN.rawValue | EPOLLONESHOT.rawValue, data: epoll_data_t(u64: id))
    epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
  }

  private func startThread() {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    // The poller lives as long as the process, and so does its thread.
    let result = pthread_create(
      &thread,
      &attributes,
      { context in
        pthread_setname_np(pthread_self(), "network.poller")
        if let context { Unmanaged<Poller>.fromOpaque(context).takeUnretainedValue().run() }
        return nil
      },
      Unmanaged.passRetained(self).toOpaque()
    )
    precondition(result == 0, "no thread for the event queue")
    pthread_attr_destroy(&attributes)
  }

  private func run() {
    var events = [epoll_event](repeating: epoll_event(), count: 64)
    while true {
      let count = epoll_wait(epoll, &events, Int32(events.count), -1)
      guard count > 0 else { continue }
      for event in events.prefix(Int(count)) {
        lock.locked { runners[event.data.u64]?.runner }?.wake()
      }
    }
  }
}
