/// What happens to a listening socket over an app's life. iOS may suspend an app and take its sockets away; a listener
/// then looks alive and hears nothing. The port must stay the same, because players hold URLs with it, so it is bound
/// again, after the old socket is gone. A machine without I/O and clock: `Listener` carries its actions out.
package struct ListenerLife: Equatable, Sendable {
  package enum Event: Equatable, Sendable {
    case start
    /// The socket listens.
    case ready
    /// The socket is no use, for this reason (errno).
    case failed(Int32)
    /// The app is in front again.
    case foreground
    /// The app leaves the front: from now on it may be suspended.
    case background
    /// What `check` found.
    case checked(alive: Bool)
    /// The old socket is closed.
    case released
    case retryDue
    case close
  }

  package enum Action: Equatable, Sendable {
    /// Make a socket and listen.
    case bind
    /// Close the socket; `released` follows when it is closed.
    case release
    /// See whether a connection gets through; `checked` follows.
    case check
    /// `retryDue` follows after so many milliseconds.
    case retry(Int)
    case cancelRetry
    /// It listens for the first time.
    case started
    /// It does not listen, and never did (errno).
    case refused(Int32)
    case closed
  }

  private enum State: Equatable, Sendable {
    case new
    /// The first bind decides about the start.
    case starting
    case listening
    case checking
    case binding
    case releasing(Next)
    case waiting
    case closed
  }

  /// What follows once the old socket is closed.
  private enum Next: Equatable, Sendable { case bind, wait, refuse(Int32), close }

  /// First wait before a port that is still taken is tried again, doubled for each next, in milliseconds.
  private static let retryMs = 100
  private static let retryMsMax = 5_000

  private var state = State.new
  private var failures = 0
  private var isInBackground = false

  package init() {}

  /// Whether it is listening, as far as is known.
  package var isListening: Bool { state == .listening || state == .checking }

  package mutating func on(_ event: Event) -> [Action] {
    switch event {
    case .background:
      isInBackground = true
      return []
    case .foreground:
      isInBackground = false
      return toFront()
    case .close:
      return close()
    case .start:
      if state != .new { return [] }
      state = .starting
      return [.bind]
    default:
      return heard(event)
    }
  }

  private mutating func heard(_ event: Event) -> [Action] {
    switch (state, event) {
    case (.starting, .ready):
      state = .listening
      return [.started]
    case (.starting, .failed(let code)):
      // Nobody has a URL with this port yet: the caller decides.
      return release(.refuse(code))
    case (.binding, .ready):
      state = .listening
      failures = 0
      return []
    case (.binding, .failed):
      return release(.wait)
    case (.listening, .failed), (.checking, .failed), (.checking, .checked(alive: false)):
      return release(.bind)
    case (.checking, .checked(alive: true)):
      state = .listening
      return []
    case (.releasing(let next), .released):
      return released(next)
    case (.waiting, .retryDue):
      state = .binding
      return [.bind]
    default:
      // Late news of a socket that is given up.
      return []
    }
  }

  private mutating func toFront() -> [Action] {
    switch state {
    case .listening:
      state = .checking
      return [.check]
    case .waiting:
      failures = 0
      state = .binding
      return [.cancelRetry, .bind]
    case .releasing(.wait):
      failures = 0
      state = .releasing(.bind)
      return []
    default:
      return []
    }
  }

  private mutating func close() -> [Action] {
    switch state {
    case .closed, .releasing(.close):
      return []
    case .new:
      state = .closed
      return [.closed]
    case .waiting:
      state = .closed
      return [.cancelRetry, .closed]
    case .releasing:
      state = .releasing(.close)
      return []
    default:
      return release(.close)
    }
  }

  private mutating func release(_ next: Next) -> [Action] {
    state = .releasing(next)
    return [.release]
  }

  private mutating func released(_ next: Next) -> [Action] {
    switch next {
    case .bind:
      state = .binding
      return [.bind]
    case .wait:
      state = .waiting
      let wait = min(ListenerLife.retryMs << min(failures, 6), ListenerLife.retryMsMax)
      failures += 1
      // A suspended app has no use for timers: it tries when it is back.
      return isInBackground ? [] : [.retry(wait)]
    case .refuse(let code):
      state = .closed
      return [.refused(code)]
    case .close:
      state = .closed
      return [.closed]
    }
  }
}
