import ReelcacheControl
import SwiftUI
import UIKit

/// What the screen shows, and the control server behind it.
@MainActor
final class HostModel: ObservableObject {
  enum Phase: Equatable {
    case stopped
    case changing
    case listening(port: Int)
    case failed(String)
  }

  /// A line of the log; equal texts are lines of their own.
  struct Line: Identifiable {
    let id: Int
    let text: String
  }

  private static let linesMax = 300

  /// Whether others in the network may connect too, with the code.
  @Published var overNetwork = false
  @Published private(set) var phase = Phase.stopped
  @Published private(set) var code = ""
  @Published private(set) var addresses: [String] = []
  /// The newest first.
  @Published private(set) var lines: [Line] = []
  private var server: ControlServer?
  private var lineCount = 0

  var isListening: Bool {
    if case .listening = phase { return true }
    return false
  }

  func start() async {
    phase = .changing
    code = overNetwork ? ControlOptions.newCode() : ""
    addresses = overNetwork ? networkAddresses() : []
    let made = ControlServer(options()) { [weak self] text in
      // In the order in which it was said.
      DispatchQueue.main.async { [weak self] in MainActor.assumeIsolated { self?.add(text) } }
    }
    server = made
    do {
      phase = .listening(port: try await made.start())
    } catch {
      server = nil
      phase = .failed("\(error)")
    }
    // A locked phone suspends its apps.
    UIApplication.shared.isIdleTimerDisabled = isListening
  }

  func stop() async {
    phase = .changing
    await server?.stop()
    server = nil
    phase = .stopped
    UIApplication.shared.isIdleTimerDisabled = false
  }

  /// The system may have taken the socket of an app that was away.
  func cameToFront() {
    server?.renew()
  }

  private func options() -> ControlOptions {
    let caches = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first?.path
    var options = ControlOptions(folder: "\(caches ?? NSTemporaryDirectory())/harness")
    options.overNetwork = overNetwork
    options.code = code
    options.system = "\(UIDevice.current.systemName) \(UIDevice.current.systemVersion)"
    options.device = UIDevice.current.name
    return options
  }

  private func add(_ text: String) {
    lineCount += 1
    lines.insert(Line(id: lineCount, text: text), at: 0)
    if lines.count > HostModel.linesMax { lines.removeLast(lines.count - HostModel.linesMax) }
  }
}
