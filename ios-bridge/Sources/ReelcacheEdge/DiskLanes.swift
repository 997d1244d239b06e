import Dispatch

/// Threads for calls that block: a fixed number of serial queues, each call on the one with the fewest before it.
///
/// Calls begin and answer on the loop, so that the loads need no lock. Two calls may run in either order; who needs
/// an order waits for the first one's answer.
final class DiskLanes: @unchecked Sendable {
  private let loop: EventLoop
  private let lanes: [DispatchQueue]
  /// Calls under way, by lane.
  private var loads: [Int]

  init(_ loop: EventLoop, _ label: String, _ width: Int, _ qos: DispatchQoS) {
    precondition(width > 0, "calls need a lane")
    self.loop = loop
    lanes = (0..<width).map { DispatchQueue(label: "\(label).\($0)", qos: qos) }
    loads = Array(repeating: 0, count: width)
  }

  /// Runs `work` off the loop, then `done` on it with either the error or the answer.
  func run<Answer>(
    _ work: @escaping () throws(FileError) -> Answer,
    _ done: @escaping (FileError?, Answer?) -> Void
  ) {
    loop.assertHere()
    let call = DiskCall(work, done)
    let lane = idlest()
    loads[lane] += 1
    lanes[lane].async { [self] in
      call.perform()
      loop.queue.async { [self] in
        loads[lane] -= 1
        call.end()
      }
    }
  }

  private func idlest() -> Int {
    var best = 0
    for lane in 1..<lanes.count where loads[lane] < loads[best] { best = lane }
    return best
  }
}

/// One call. It is handed from the loop to a lane and back, and never held by both.
private final class DiskCall<Answer>: @unchecked Sendable {
  private var work: (() throws(FileError) -> Answer)?
  private var done: ((FileError?, Answer?) -> Void)?
  private var answer: Answer?
  private var error: FileError?

  init(_ work: @escaping () throws(FileError) -> Answer, _ done: @escaping (FileError?, Answer?) -> Void) {
    self.work = work
    self.done = done
  }

  func perform() {
    do throws(FileError) {
      answer = try work?()
    } catch {
      self.error = error
    }
  }

  /// Lets go of everything here, on the loop, where what the closures hold belongs.
  func end() {
    let done = done
    self.done = nil
    work = nil
    done?(error, answer)
  }
}
