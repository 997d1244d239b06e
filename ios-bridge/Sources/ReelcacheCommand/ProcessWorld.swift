import Dispatch
import Reelcache

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Signals as calls. Every thread blocks them, so that they wait for the one that takes them: sources of Dispatch lose
/// those on Linux that another thread was the first to get.
final class SignalWait: Sendable {
  private struct State {
    var early = 0
    var callback: (@Sendable () -> Void)?
  }

  private let state = Locked(State())

  /// Blocks the signals. To be called before there is a second thread, which inherits it.
  init(_ signals: [Int32]) {
    var set = signalSet(signals)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    // Who reads our output may go; that is no reason to end.
    signal(SIGPIPE, SIG_IGN)
  }

  /// From now on signals are calls, also those that came before.
  func start(_ callback: @escaping @Sendable () -> Void) {
    let early = state.with { state in
      state.callback = callback
      return state.early
    }
    for _ in 0..<early { callback() }
  }

  /// Takes the signals, on a thread that does nothing else.
  func take(_ signals: [Int32]) -> Never {
    var set = signalSet(signals)
    while true {
      var number: Int32 = 0
      if sigwait(&set, &number) != 0 { continue }
      let callback = state.with { state in
        if state.callback == nil { state.early += 1 }
        return state.callback
      }
      callback?()
    }
  }
}

private func signalSet(_ signals: [Int32]) -> sigset_t {
  var set = sigset_t()
  sigemptyset(&set)
  for number in signals { sigaddset(&set, number) }
  return set
}

/// The lines of standard input, until it ends.
final class InputLines: @unchecked Sendable {
  private let queue = DispatchQueue(label: "reelcache.input")
  private var source: DispatchSourceRead?
  private var line: [UInt8] = []

  func start(_ callback: @escaping @Sendable (String) -> Void) {
    queue.sync {
      let source = DispatchSource.makeReadSource(fileDescriptor: 0, queue: queue)
      source.setEventHandler { [weak self] in self?.take(callback) }
      self.source = source
      source.activate()
    }
  }

  private func take(_ callback: @Sendable (String) -> Void) {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = read(0, &buffer, buffer.count)
    if count <= 0 {
      if count < 0 && errno == EINTR { return }
      source?.cancel()
      source = nil
      return
    }
    for byte in buffer[..<count] {
      if byte != UInt8(ascii: "\n") {
        line.append(byte)
      } else {
        callback(String(decoding: line, as: UTF8.self))
        line = []
      }
    }
  }
}

/// Opens the standard descriptors that the process was started without, so that no file of ours becomes one of them.
func holdStandardDescriptors() {
  var descriptor = open("/dev/null", O_RDWR)
  while descriptor >= 0 && descriptor <= 2 { descriptor = open("/dev/null", O_RDWR) }
  if descriptor > 2 { close(descriptor) }
}

/// Writes a text whole; what nobody reads any more is nobody's loss.
func writeAll(_ descriptor: Int32, _ text: String) {
  let bytes = Array(text.utf8)
  var at = 0
  while at < bytes.count {
    let count = bytes[at...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno != EINTR && errno != EAGAIN { return }
    at += max(0, count)
  }
}
