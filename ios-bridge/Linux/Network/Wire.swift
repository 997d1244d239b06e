import Glibc
import LinuxCalls

/// The descriptor of a connection, and what epoll's edges have told about it so far.
struct Wire {
  enum ReadOutcome {
    case bytes(Int)
    case again
    case end
    case failed(Int32)
  }

  enum WriteOutcome {
    case bytes(Int)
    case again
    case failed(Int32)
  }

  let descriptor: Int32
  /// Stands for it in its runner's set.
  let token: UInt64
  /// A read may find something.
  var readable = false
  /// A write may find room.
  var writable = true
  /// The peer has ended its side, or all is over: the end is there to be read.
  var hungUp = false

  /// The set tells of room for output.
  private var outputWatched = false

  init(_ descriptor: Int32, _ token: UInt64) {
    self.descriptor = descriptor
    self.token = token
  }

  /// A write has to wait for room.
  mutating func watchOutput(_ runner: QueueRunner) {
    if outputWatched { return }
    outputWatched = true
    runner.watchOutput(descriptor, token)
  }

  mutating func note(_ events: UInt32) {
    if events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { hungUp = true }
    if hungUp || events & EPOLLIN.rawValue != 0 { readable = true }
    if events & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { writable = true }
  }

  mutating func read(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> ReadOutcome {
    while true {
      let got = recv(descriptor, bytes, count, 0)
      if got > 0 {
        // Less than there was room for: the socket is empty now (epoll(7)), and the next byte makes an edge.
        if got < count && !hungUp { readable = false }
        return .bytes(got)
      }
      if got == 0 { return .end }
      if errno == EINTR { continue }
      guard errno == EAGAIN else { return .failed(errno) }
      readable = false
      return .again
    }
  }

  mutating func write(_ parts: UnsafeMutableBufferPointer<iovec>, _ used: Int) -> WriteOutcome {
    var message = msghdr()
    message.msg_iov = parts.baseAddress
    message.msg_iovlen = used
    while true {
      let sent = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
      if sent >= 0 { return .bytes(sent) }
      if errno == EINTR { continue }
      guard errno == EAGAIN else { return .failed(errno) }
      writable = false
      return .again
    }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) -> WriteOutcome {
    while true {
      let sent = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if sent >= 0 { return .bytes(sent) }
      if errno == EINTR { continue }
      guard errno == EAGAIN else { return .failed(errno) }
      writable = false
      return .again
    }
  }
}
