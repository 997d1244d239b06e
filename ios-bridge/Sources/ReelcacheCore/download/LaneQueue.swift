/// The semaphore: which upstream transfers may run, and who waits for a slot (SPEC: R-LANE-1).
///
/// A *lane* is a class of transfers. *Regular* ones (players) share `slotsMax` slots; *background* ones (preload) use
/// slots that players leave; *express* ones (playlists, keys, initialization sections) run outside the slots. A *ticket*
/// is one transfer that runs or waits, named by the caller's id. An *extra slot* is one that a ticket takes after it has
/// waited `queueWaitMs`, because AVPlayer gives an item up after three waits of about 3.5 s. *Held* ones
/// (directed reloads) run apart from all others: their origin keeps them for seconds.
///
/// Nothing here blocks or sets a timer: functions return the ids that may start now, and `laneNextDeadline` tells when
/// `laneTick` is due. Times are milliseconds of one clock that never goes back. A waiting line is an array of at most a
/// few thousand tickets, scanned in order: shorter and quicker at that size than linked lists.

package enum Lane: String, TextUnion, CaseIterable, Sendable {
  case express
  case held
  case regular
  case background
}

/// Where a ticket stands: in its lane's line, or running inside or outside the slots.
enum Place: String, TextUnion, Sendable {
  case waiting
  case express
  case held
  case slot
  case extra
}

final class Ticket {
  let id: Int
  var lane: Lane
  let host: ByteString
  var sinceMs: Int
  var place = Place.waiting

  init(id: Int, lane: Lane, host: ByteString, sinceMs: Int) {
    self.id = id
    self.lane = lane
    self.host = host
    self.sinceMs = sinceMs
  }
}

/// The tickets of one lane that wait, oldest first. An object, because whoever changes a line looks at the others too.
final class WaitingLine {
  var tickets: [Ticket] = []
}

package final class LaneQueue {
  package let limits: Limits
  var tickets: [Int: Ticket] = [:]
  let waitingExpress = WaitingLine()
  let waitingHeld = WaitingLine()
  let waitingRegular = WaitingLine()
  let waitingBackground = WaitingLine()
  var runningExpress = 0
  var runningHeld = 0
  var runningRegular = 0
  var runningBackground = 0
  var runningExtra = 0
  /// Slots held per origin host; a host without any is absent.
  var hostSlots: [ByteString: Int] = [:]

  init(limits: Limits) {
    self.limits = limits
  }
}

/// One number for each lane.
package struct LaneNumbers: Equatable, Sendable {
  package var express: Int
  package var held: Int
  package var regular: Int
  package var background: Int
}

/// What runs and waits now. Slots in use are `running.regular + running.background`; `extra` is counted apart.
package struct LaneCounts: Equatable, Sendable {
  package var running: LaneNumbers
  package var extra: Int
  package var waiting: LaneNumbers
}

/// What `laneEnter` says.
package enum LaneAnswer: String, TextUnion, CaseIterable, Sendable {
  case granted
  case queued
  case full
}

/// What `laneTick` says.
package struct LaneDue: Equatable, Sendable {
  package var granted: [Int]
  package var refused: [Int]
}

/// An empty queue under `limits` (the slots, expressMax, heldMax, queueWaitMs, queueLengthMax).
package func laneQueue(_ limits: Limits) -> LaneQueue {
  LaneQueue(limits: limits)
}

/// Asks for a transfer to `host`: it may start, or waits, or ("full", 503) is not taken in. An id in use asserts.
package func laneEnter(
  _ queue: LaneQueue,
  _ id: Int,
  _ lane: Lane,
  _ host: ByteString,
  _ nowMs: Int
) -> LaneAnswer {
  precondition(queue.tickets[id] == nil, "lane queue: the id is already in the queue")
  let ticket = Ticket(id: id, lane: lane, host: host, sinceMs: nowMs)
  // Nobody is overtaken here: whoever waits while this ticket may start is held back by a limit that it does not meet.
  if mayStart(queue, ticket) {
    queue.tickets[id] = ticket
    start(queue, ticket)
    return .granted
  }
  let line = waitingLine(queue, lane)
  // R-LANE-9: promotions may lengthen a line, so all lines together are bounded as well.
  if line.tickets.count >= queue.limits.queueLengthMax || waitingCount(queue) >= 3 * queue.limits.queueLengthMax {
    return .full
  }
  queue.tickets[id] = ticket
  line.tickets.append(ticket)
  return .queued
}

/// The transfer has ended, or the one who waited for it has left. Returns the ids that may start because of it.
/// An unknown id changes nothing, so that leaving twice is harmless.
package func laneLeave(_ queue: LaneQueue, _ id: Int, _ nowMs: Int) -> [Int] {
  guard let ticket = queue.tickets[id] else { return [] }
  // R-LANE-10
  queue.tickets[id] = nil
  if ticket.place == .waiting {
    leaveLine(queue, ticket)
  } else {
    stop(queue, ticket)
  }
  return settle(queue, nowMs)
}

/// Lifts a ticket to a faster lane (a player asks for what is being preloaded). Returns the ids that may start because
/// of it. A slower or equal lane and an unknown id change nothing.
package func lanePromote(_ queue: LaneQueue, _ id: Int, _ lane: Lane, _ nowMs: Int) -> [Int] {
  guard let ticket = queue.tickets[id], laneRank(lane) < laneRank(ticket.lane) else { return [] }
  if ticket.place == .waiting {
    // R-LANE-11: last in the new line; its time to wait begins now.
    leaveLine(queue, ticket)
    ticket.lane = lane
    ticket.sinceMs = nowMs
    waitingLine(queue, lane).tickets.append(ticket)
    return settle(queue, nowMs)
  }
  // R-LANE-12: what runs keeps the place it has; a preload in a slot is a player's from now on.
  if ticket.lane == .background {
    queue.runningBackground -= 1
    queue.runningRegular += 1
    ticket.lane = .regular
  }
  return []
}

/// Time is up for some: `granted` may start, `refused` are out of the queue and get 503 with Retry-After.
package func laneTick(_ queue: LaneQueue, _ nowMs: Int) -> LaneDue {
  var granted = settle(queue, nowMs)
  var refused: [Int] = []
  // R-LANE-8
  refuseOverdue(queue, queue.waitingExpress, nowMs, &refused)
  refuseOverdue(queue, queue.waitingHeld, nowMs, &refused)
  refuseOverdue(queue, queue.waitingRegular, nowMs, &refused)
  if refused.count > 0 { granted.append(contentsOf: settle(queue, nowMs)) }
  return LaneDue(granted: granted, refused: refused)
}

/// When `laneTick` is due, in milliseconds of the caller's clock; -1 when nobody waits against time.
package func laneNextDeadline(_ queue: LaneQueue) -> Int {
  let longest = min(
    firstSinceMs(queue.waitingExpress),
    firstSinceMs(queue.waitingHeld),
    firstSinceMs(queue.waitingRegular)
  )
  // R-LANE-13
  return longest == integerMax ? -1 : longest + queue.limits.queueWaitMs
}

/// What runs and waits now.
package func laneCounts(_ queue: LaneQueue) -> LaneCounts {
  LaneCounts(
    running: LaneNumbers(
      express: queue.runningExpress,
      held: queue.runningHeld,
      regular: queue.runningRegular,
      background: queue.runningBackground
    ),
    extra: queue.runningExtra,
    waiting: LaneNumbers(
      express: queue.waitingExpress.tickets.count,
      held: queue.waitingHeld.tickets.count,
      regular: queue.waitingRegular.tickets.count,
      background: queue.waitingBackground.tickets.count
    )
  )
}

/// Starts everyone who may start now, express first, background last; returns their ids in the order of starting.
private func settle(_ queue: LaneQueue, _ nowMs: Int) -> [Int] {
  var granted: [Int] = []
  startLine(queue, queue.waitingExpress, &granted)
  startLine(queue, queue.waitingHeld, &granted)
  startLine(queue, queue.waitingRegular, &granted)
  // R-LANE-7: express first, because a late playlist stalls a whole presentation.
  startOverdue(queue, queue.waitingExpress, nowMs, &granted)
  startOverdue(queue, queue.waitingRegular, nowMs, &granted)
  startLine(queue, queue.waitingBackground, &granted)
  return granted
}

/// Starts the tickets of one line that may start, first in, first out.
private func startLine(_ queue: LaneQueue, _ line: WaitingLine, _ granted: inout [Int]) {
  var index = 0
  var fullHost: ByteString?
  var room = laneHasRoom(queue, line)
  while room && index < line.tickets.count {
    let ticket = line.tickets[index]
    // R-LANE-6: a host at its limit is passed over; one look-up a run of its tickets is enough.
    if ticket.host == fullHost || !mayStart(queue, ticket) {
      fullHost = ticket.host
      index += 1
      continue
    }
    // R-LANE-4
    line.tickets.remove(at: index)
    start(queue, ticket)
    granted.append(ticket.id)
    room = laneHasRoom(queue, line)
  }
}

/// Gives extra slots to the tickets of one line that have waited long enough.
private func startOverdue(_ queue: LaneQueue, _ line: WaitingLine, _ nowMs: Int, _ granted: inout [Int]) {
  while queue.runningExtra < queue.limits.extraSlotsMax {
    guard let ticket = line.tickets.first, isOverdue(queue, ticket, nowMs) else { return }
    line.tickets.removeFirst()
    ticket.place = .extra
    queue.runningExtra += 1
    granted.append(ticket.id)
  }
}

/// Takes the tickets of one line that have waited long enough out of the queue.
private func refuseOverdue(_ queue: LaneQueue, _ line: WaitingLine, _ nowMs: Int, _ refused: inout [Int]) {
  var count = 0
  for ticket in line.tickets {
    if !isOverdue(queue, ticket, nowMs) { break }
    queue.tickets[ticket.id] = nil
    refused.append(ticket.id)
    count += 1
  }
  line.tickets.removeFirst(count)
}

/// Since when the first of a line has waited; `integerMax` when nobody does.
private func firstSinceMs(_ line: WaitingLine) -> Int {
  line.tickets.first?.sinceMs ?? integerMax
}

/// Whether a ticket has waited `queueWaitMs` or longer.
private func isOverdue(_ queue: LaneQueue, _ ticket: Ticket, _ nowMs: Int) -> Bool {
  nowMs - ticket.sinceMs >= queue.limits.queueWaitMs
}

/// Whether the limits of its lane and host let a ticket start now.
private func mayStart(_ queue: LaneQueue, _ ticket: Ticket) -> Bool {
  switch ticket.lane {
  case .express:
    // R-LANE-2
    return queue.runningExpress < queue.limits.expressMax
  case .held:
    // R-LANE-14
    return queue.runningHeld < queue.limits.heldMax
  case .regular:
    // R-LANE-3
    return slotIsFree(queue) && hostHasRoom(queue, ticket.host)
  case .background:
    // R-LANE-5
    return slotIsFree(queue) && queue.waitingRegular.tickets.isEmpty && hostHasRoom(queue, ticket.host)
  }
}

/// Whether anyone of this line could start at all, whatever its host: ends a scan early.
private func laneHasRoom(_ queue: LaneQueue, _ line: WaitingLine) -> Bool {
  guard let head = line.tickets.first else { return false }
  switch head.lane {
  case .express:
    return queue.runningExpress < queue.limits.expressMax
  case .held:
    return queue.runningHeld < queue.limits.heldMax
  case .regular:
    return slotIsFree(queue)
  case .background:
    return slotIsFree(queue) && queue.waitingRegular.tickets.isEmpty
  }
}

private func slotIsFree(_ queue: LaneQueue) -> Bool {
  queue.runningRegular + queue.runningBackground < queue.limits.slotsMax
}

private func hostHasRoom(_ queue: LaneQueue, _ host: ByteString) -> Bool {
  queue.hostSlots[host] ?? 0 < queue.limits.hostSlotsMax
}

/// Counts a ticket that starts in its lane.
private func start(_ queue: LaneQueue, _ ticket: Ticket) {
  if ticket.lane == .express {
    ticket.place = .express
    queue.runningExpress += 1
    return
  }
  if ticket.lane == .held {
    ticket.place = .held
    queue.runningHeld += 1
    return
  }
  ticket.place = .slot
  queue.hostSlots[ticket.host] = (queue.hostSlots[ticket.host] ?? 0) + 1
  if ticket.lane == .regular {
    queue.runningRegular += 1
  } else {
    queue.runningBackground += 1
  }
}

/// Uncounts a running ticket.
private func stop(_ queue: LaneQueue, _ ticket: Ticket) {
  if ticket.place == .express {
    queue.runningExpress -= 1
    return
  }
  if ticket.place == .held {
    queue.runningHeld -= 1
    return
  }
  if ticket.place == .extra {
    queue.runningExtra -= 1
    return
  }
  if ticket.lane == .regular {
    queue.runningRegular -= 1
  } else {
    queue.runningBackground -= 1
  }
  let held = (queue.hostSlots[ticket.host] ?? 0) - 1
  queue.hostSlots[ticket.host] = held > 0 ? held : nil
}

/// Takes a waiting ticket out of its lane's line.
private func leaveLine(_ queue: LaneQueue, _ ticket: Ticket) {
  let line = waitingLine(queue, ticket.lane)
  if let index = line.tickets.firstIndex(where: { $0 === ticket }) { line.tickets.remove(at: index) }
}

private func waitingLine(_ queue: LaneQueue, _ lane: Lane) -> WaitingLine {
  switch lane {
  case .express: queue.waitingExpress
  case .held: queue.waitingHeld
  case .regular: queue.waitingRegular
  case .background: queue.waitingBackground
  }
}

private func waitingCount(_ queue: LaneQueue) -> Int {
  let apart = queue.waitingExpress.tickets.count + queue.waitingHeld.tickets.count
  return apart + queue.waitingRegular.tickets.count + queue.waitingBackground.tickets.count
}

/// Faster lanes rank lower.
private func laneRank(_ lane: Lane) -> Int {
  switch lane {
  case .express: 0
  case .held: 1
  case .regular: 2
  case .background: 3
  }
}
