import Dispatch

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Signals as calls on a queue of their own.
final class SignalSources: @unchecked Sendable {
  private let queue = DispatchQueue(label: "reelcache.signals")
  private var sources: [DispatchSourceSignal] = []

  func start(_ signals: [Int32], _ callback: @escaping @Sendable () -> Void) {
    queue.sync {
      for number in signals {
        // The default action would end the process before the source hears of it.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: callback)
        source.activate()
        sources.append(source)
      }
    }
  }
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
