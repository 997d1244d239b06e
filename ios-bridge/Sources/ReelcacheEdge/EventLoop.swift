import Dispatch

/// The one thread of the proxy: a serial queue that carries the core, the sockets' events and the timers, as the event
/// loop of the reference does. Classes that live on it are final, hold no locks, and say so with `assertHere`.
package final class EventLoop: @unchecked Sendable {
  package let queue: DispatchQueue
  private let mark = DispatchSpecificKey<Bool>()

  package init(label: String = "reelcache.loop") {
    queue = DispatchQueue(label: label, qos: .userInitiated)
    queue.setSpecific(key: mark, value: true)
  }

  /// A programmer's error anywhere but on the loop; free in release builds.
  @inline(__always) package func assertHere() {
    #if DEBUG
      dispatchPrecondition(condition: .onQueue(queue))
    #endif
  }

  /// Whether this is the loop, for what may come from any thread.
  package var isHere: Bool { DispatchQueue.getSpecific(key: mark) == true }

  /// Runs work on the loop, later: never during the call.
  package func later(_ work: @escaping () -> Void) {
    let item = LoopWork(run: work)
    queue.async { item.run() }
  }

  /// Runs work on the loop after so many milliseconds, unless the timer is cancelled before.
  package func after(_ milliseconds: Int, _ work: @escaping () -> Void) -> LoopTimer {
    LoopTimer(self, milliseconds, work)
  }
}

/// A timer of the loop. It fires once.
package final class LoopTimer: @unchecked Sendable {
  private var source: DispatchSourceTimer?
  private var work: (() -> Void)?

  fileprivate init(_ loop: EventLoop, _ milliseconds: Int, _ work: @escaping () -> Void) {
    self.work = work
    let source = DispatchSource.makeTimerSource(queue: loop.queue)
    self.source = source
    source.schedule(deadline: .now() + .milliseconds(max(0, milliseconds)), leeway: .milliseconds(1))
    source.setEventHandler { [weak self] in self?.fire() }
    source.activate()
  }

  deinit { source?.cancel() }

  package func cancel() {
    source?.cancel()
    source = nil
    work = nil
  }

  private func fire() {
    let due = work
    cancel()
    due?()
  }
}

/// Work that is made and run on the loop alone: what it captures crosses no thread.
private struct LoopWork: @unchecked Sendable {
  let run: () -> Void
}
