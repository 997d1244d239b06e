import Network
import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One player's connection: reads requests, hands them on, and puts the responses onto the wire in the order of the
/// requests, whichever is ready first.
///
/// A receive is outstanding nearly always, since only it tells that the player has left. What comes in meanwhile is
/// bounded: so many requests are under way at once, and bytes behind them wait in the player's own socket.
final class PlayerConnection: @unchecked Sendable {
  /// Bytes handed to the socket and not yet taken by the system, from which on a response had better wait.
  static let highWaterBytes = 262_144
  /// Pieces of up to so many bytes together are joined into one, which costs less than sending several.
  private static let joinBytesMax = 16_384
  /// Requests of one connection under way at once; a player that sends more waits.
  private static let requestsMax = 16
  /// Time for a player to close its end after ours, in milliseconds, and bytes that it may send in it.
  private static let lingerMs = 2_000
  private static let lingerBytesMax = 1_048_576
  /// Bytes of one receive.
  private static let receiveBytes = 65_536

  private let loop: EventLoop
  private let socket: NWConnection
  private let parts: ListenerParts
  private let onOver: (PlayerConnection) -> Void
  private var local = LocalEnd()
  private var parser: RequestParser
  private var input = Data()
  private var inputAt = 0
  private var reading = false
  private var receiving = false
  /// The content of the request that is being read, where its origin takes it.
  private let intake = ContentIntake()
  /// The responses under way, the one whose turn it is first.
  private var answers: [PlayerResponse] = []
  /// What is to be refused once the responses before it are through.
  private var refusal: ErrorCode?
  /// The last response has begun: nothing behind it is read as a request (R-HTTP-5).
  private var closing = false
  /// The end of our side is on its way.
  private var finishing = false
  private var finished = false
  private var playerEnded = false
  private var over = false
  private var pendingBytes = 0
  private(set) var isCongested = false
  /// Sends on their way, whose completions come in the same order: their bytes, and the response that ends with them.
  private var sends: [(bytes: Int, last: PlayerResponse?)] = []
  private var lingerBytes = 0
  private var requestsBegun = 0
  /// All requests so far are answered, and no other has begun.
  private var isIdle = false
  /// What receives and sends are completed with: made once, since each would cost an allocation and a weak reference.
  private lazy var whenReceived: ReceiveHandler = { [weak self] content, _, isComplete, error in
    self?.received(content, isComplete, error != nil)
  }
  private lazy var whenSent = NWConnection.SendCompletion.contentProcessed { [weak self] error in
    self?.sent(error != nil)
  }
  /// Until when the request under way, the next one, or the player's end must come; on the loop's clock, in milliseconds.
  private var deadlineMs: Int

  init(_ socket: NWConnection, _ parts: ListenerParts, _ nowMs: Int, _ onOver: @escaping (PlayerConnection) -> Void) {
    self.socket = socket
    self.parts = parts
    self.onOver = onOver
    loop = parts.loop
    parser = RequestParser(parts.limits.requestHeadBytesMax)
    deadlineMs = nowMs + parts.limits.requestHeadMs
  }

  func start() {
    // By `self`: on Apple there is a function `socket` in view, beside which the handler is not inferred to be Sendable.
    self.socket.stateUpdateHandler = { [weak self] state in self?.changed(state) }
    socket.start(queue: loop.queue)
  }

  /// Ends the connection at once, whatever is under way: what was sent may still go out.
  func close() {
    loop.assertHere()
    giveUp()
    socket.cancel()
  }

  /// Ends the connection without waiting for anything.
  func abort() {
    giveUp()
    socket.forceCancel()
  }

  /// Looks at the time.
  func check(_ nowMs: Int) {
    if over || nowMs < deadlineMs { return }
    if finishing {
      if finished { socket.cancel() }
    } else if parser.isInside || requestsBegun == 0 {
      deadlineMs = Int.max
      refuse(.requestTimeout)
    } else if isIdle {
      finish([])
    }
  }

  private func changed(_ state: NWConnection.State) {
    loop.assertHere()
    switch state {
    case .ready:
      local = LocalEnd(socket.currentPath?.localEndpoint)
      receive()
    case .waiting, .failed:
      giveUp()
      socket.forceCancel()
    case .cancelled:
      giveUp()
      socket.stateUpdateHandler = nil
      onOver(self)
    default:
      break
    }
  }

  // MARK: Reading

  private func receive() {
    if receiving || over || playerEnded || inputAt < input.count || intake.isFull { return }
    receiving = true
    socket.receive(
      minimumIncompleteLength: 1,
      maximumLength: PlayerConnection.receiveBytes,
      completion: whenReceived
    )
  }

  private func received(_ content: Data?, _ isComplete: Bool, _ failed: Bool) {
    loop.assertHere()
    receiving = false
    if over { return }
    playerEnded = isComplete
    if let content, !content.isEmpty { take(content) }
    if over { return }
    if failed {
      giveUp()
      socket.forceCancel()
    } else if isComplete {
      ended()
    } else {
      receive()
    }
  }

  private func take(_ content: Data) {
    if (closing && !intake.isOpen) || refusal != nil {
      // R-HTTP-13: nobody reads it.
      lingerBytes += content.count
      if finished && lingerBytes > PlayerConnection.lingerBytesMax { socket.cancel() }
      return
    }
    input = content
    inputAt = 0
    read()
  }

  /// Hands on the requests that have come in, as many as may be under way.
  private func read() {
    if reading { return }
    reading = true
    while !over && refusal == nil
      && (intake.isOpen ? !intake.isFull : !closing && answers.count < PlayerConnection.requestsMax && !isCongested)
    {
      let event = input.withUnsafeBytes { parser.next($0, &inputAt) }
      guard let event else { break }
      switch event {
      case .request(let head): admit(head)
      case .content(let start, let end): intake.take(input, start, end)
      // R-PASS-2: the connection ends with the response.
      case .contentEnd:
        closing = true
        intake.end()
      case .refused(let code): refuse(code)
      }
    }
    reading = false
    setDeadline()
    if (closing && !intake.isOpen) || refusal != nil || inputAt == input.count {
      input = Data()
      inputAt = 0
    }
    receive()
  }

  /// Sets the time that the player has: for a request that has begun, or for the next one once all is answered.
  private func setDeadline() {
    let hasBegun = parser.begun != requestsBegun
    if hasBegun {
      requestsBegun = parser.begun
      isIdle = false
    }
    let rests = !isIdle && requestsBegun > 0 && !parser.isInside && answers.isEmpty && !finishing
    if !hasBegun && !rests { return }
    isIdle = rests
    // R-PASS-2: content has the origin's time.
    let limitMs = rests ? parts.limits.keepAliveMs : parts.limits.requestHeadMs
    deadlineMs = intake.isOpen ? Int.max : LoopClock.nowMs() + limitMs
  }

  private func admit(_ head: RequestHead) {
    let response = PlayerResponse(self, head.method == headMethod)
    answers.append(response)
    if answers.count == 1 { response.activate() }
    parts.onRequest(playerRequest(head, local), response)
    guard let content = response.content else { return }
    parser.tellsContent = true
    intake.begin(content) { [weak self] in self?.loop.later { self?.read() } }
  }

  /// The player ended its side. Inside a request that is no request; else it has left (R-HTTP-10).
  private func ended() {
    if finishing {
      if finished { socket.cancel() }
    } else if case .refused(let code)? = parser.finish() {
      refuse(code)
    } else if refusal == nil || answers.isEmpty {
      finish([])
    }
  }

  // MARK: Refusing and ending

  private func refuse(_ code: ErrorCode) {
    // R-HTTP-13: bytes inside or behind another response would be a second reading of the connection.
    if refusal == nil { refusal = code }
    intake.fail()
    if answers.isEmpty { sendRefusal() }
  }

  /// Answers what is no request, unless the response before it ends the connection.
  private func sendRefusal() {
    guard let code = refusal, !finishing else { return }
    if closing {
      finish([])
      return
    }
    let (head, content) = parts.problem(code, "")
    finish([headData(head), Data(content)])
  }

  /// Lets no further request of this connection count (R-HTTP-5).
  func markClosing() {
    closing = true
  }

  /// A response is written to its end: the next one's turn.
  func end(_ response: PlayerResponse, _ pieces: [Data]) {
    if over || answers.first !== response { return }
    answers.removeFirst()
    if response.closesConnection {
      finish(pieces, response)
      return
    }
    send(pieces, response)
    if let next = answers.first {
      next.activate()
    } else if refusal != nil {
      sendRefusal()
    } else {
      setDeadline()
      read()
    }
  }

  /// A response ends before it is whole, and the connection with it.
  func cut(_ response: PlayerResponse) {
    if over || answers.first !== response { return }
    finish([])
  }

  /// Sends the last bytes and the end of our side; the player's end is waited for, since a socket that is closed over
  /// unread bytes takes from the player what it has not read yet.
  private func finish(_ pieces: [Data], _ response: PlayerResponse? = nil) {
    if finishing || over { return }
    closing = true
    finishing = true
    intake.fail()
    let left = answers
    answers = []
    input = Data()
    inputAt = 0
    deadlineMs = Int.max
    if pieces.count > 1 && byteCount(pieces) > PlayerConnection.joinBytesMax {
      socket.batch {
        for piece in pieces.dropLast() { socket.send(content: piece, completion: unheard) }
        handLast(pieces.last, response)
      }
    } else {
      handLast(pieces.isEmpty ? nil : joined(pieces), response)
    }
    for answer in left { answer.close() }
    receive()
  }

  private func finished(_ failed: Bool) {
    if over { return }
    finished = true
    if failed || playerEnded {
      socket.cancel()
    } else {
      deadlineMs = LoopClock.nowMs() + PlayerConnection.lingerMs
    }
  }

  /// Nobody is there any more.
  private func giveUp() {
    if over { return }
    over = true
    closing = true
    intake.fail()
    input = Data()
    inputAt = 0
    let left = answers
    answers = []
    let ended = sends
    sends = []
    for (_, last) in ended { last?.close() }
    for answer in left { answer.close() }
  }

  // MARK: Writing

  /// Sends bytes. `last` is the response that they end: it hears when they are out.
  func send(_ pieces: [Data], _ last: PlayerResponse? = nil) {
    if over || finishing { return }
    let bytes = byteCount(pieces)
    if bytes > 0 {
      pendingBytes += bytes
      if pendingBytes >= PlayerConnection.highWaterBytes { isCongested = true }
      if pieces.count == 1 || bytes <= PlayerConnection.joinBytesMax {
        hand(joined(pieces), bytes, last)
      } else {
        socket.batch {
          for piece in pieces.dropLast() { socket.send(content: piece, completion: unheard) }
          hand(pieces[pieces.count - 1], bytes, last)
        }
      }
    } else if let last, sends.isEmpty {
      loop.later { last.close() }
    } else if let last {
      // Its last bytes are in the send before, whose completion tells it.
      sends[sends.count - 1].last = last
    }
  }

  private func hand(_ piece: Data, _ bytes: Int, _ last: PlayerResponse?) {
    sends.append((bytes, last))
    socket.send(content: piece, completion: whenSent)
  }

  private func handLast(_ piece: Data?, _ response: PlayerResponse?) {
    socket.send(
      content: piece,
      contentContext: .finalMessage,
      isComplete: true,
      completion: .contentProcessed { [weak self] error in
        response?.close()
        self?.finished(error != nil)
      }
    )
  }

  private func sent(_ failed: Bool) {
    loop.assertHere()
    if over { return }
    if failed {
      giveUp()
      socket.forceCancel()
      return
    }
    let (bytes, last) = sends.removeFirst()
    pendingBytes -= bytes
    last?.close()
    if !isCongested || pendingBytes > PlayerConnection.highWaterBytes / 2 { return }
    isCongested = false
    if let first = answers.first { first.drained() }
    if inputAt < input.count { read() }
  }
}

private let headMethod: ByteString = "HEAD"

private typealias ReceiveHandler =
  @Sendable (_ content: Data?, _ context: NWConnection.ContentContext?, _ isComplete: Bool, _ error: NWError?) -> Void

/// Of a piece with others behind it in the same batch: theirs tells what became of all.
private let unheard = NWConnection.SendCompletion.contentProcessed { _ in }
