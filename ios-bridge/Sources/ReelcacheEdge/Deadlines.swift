import Dispatch

/// Many deadlines on one timer of the loop: nearly all of them are cancelled long before they are due, and a timer of the
/// system costs more than a request on a warm connection.
///
/// The timer is armed for the earliest deadline and stays armed when that is cancelled; it then finds nothing due.
final class Deadlines: @unchecked Sendable {
  private let loop: EventLoop
  private var waiting: [Deadline] = []
  private var timer: LoopTimer?
  /// What the timer is armed for, in nanoseconds of the system's uptime.
  private var armedFor = UInt64.max

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  /// How many wait.
  var count: Int { waiting.count }

  /// Runs work on the loop after so many milliseconds, unless the deadline is cancelled before.
  func after(_ milliseconds: Int, _ work: @escaping () -> Void) -> Deadline {
    loop.assertHere()
    let deadline = Deadline(self, uptime() + UInt64(max(0, milliseconds)) * 1_000_000, work)
    deadline.place = waiting.count
    waiting.append(deadline)
    if deadline.due < armedFor { arm(deadline.due) }
    return deadline
  }

  fileprivate func remove(_ deadline: Deadline) {
    loop.assertHere()
    guard deadline.place >= 0, let last = waiting.popLast() else { return }
    if last !== deadline {
      waiting[deadline.place] = last
      last.place = deadline.place
    }
    deadline.place = -1
  }

  private func arm(_ due: UInt64) {
    armedFor = due
    timer?.cancel()
    let now = uptime()
    // Rounded up: a timer that is early finds nothing due.
    let milliseconds = due > now ? Int((due - now + 999_999) / 1_000_000) : 0
    timer = loop.after(milliseconds) { [weak self] in self?.fire() }
  }

  private func fire() {
    timer = nil
    armedFor = UInt64.max
    let now = uptime()
    // Those that become due meanwhile wait for the next time: work may set a deadline of no time.
    let due = waiting.filter { $0.due <= now }.sorted { $0.due < $1.due }
    for deadline in due { deadline.run() }
    if let next = waiting.map(\.due).min(), next < armedFor { arm(next) }
  }
}

/// One deadline. It comes once.
final class Deadline {
  fileprivate let due: UInt64
  /// Its place among those that wait, -1 when it does not any more.
  fileprivate var place = -1
  private weak var owner: Deadlines?
  private var work: (() -> Void)?

  fileprivate init(_ owner: Deadlines, _ due: UInt64, _ work: @escaping () -> Void) {
    self.owner = owner
    self.due = due
    self.work = work
  }

  func cancel() {
    if place < 0 { return }
    owner?.remove(self)
    work = nil
  }

  fileprivate func run() {
    guard let work else { return }
    cancel()
    work()
  }
}

/// A clock that only goes forward, in nanoseconds; it stands while the machine sleeps, as the loop's timers do.
func uptime() -> UInt64 {
  DispatchTime.now().uptimeNanoseconds
}
