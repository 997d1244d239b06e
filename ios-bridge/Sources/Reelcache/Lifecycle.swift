import ReelcacheEdge

#if os(iOS)
  import Dispatch
  import Foundation
  import UIKit
#endif

/// What a server does when the app's life or its network changes; the server fills it in. Called on the loop.
struct LifeActions {
  /// Writes what the index still owes the disk, then calls back.
  let save: (_ done: @escaping () -> Void) -> Void
  /// The app leaves the foreground: from now on the system may suspend it and take its sockets away.
  let background: () -> Void
  /// The app is back: the same port must answer again.
  let foreground: () -> Void
  /// There is a network again, or another one; or, with false, none.
  let networkChanged: (_ isOnline: Bool) -> Void
  /// The system asks for memory.
  let memoryWarning: () -> Void
}

/// The life of the app and of its network, as far as a server must know. Lives on the loop.
///
/// On iOS it hears of it by itself. Before the app may be suspended the index is written, under the system's promise to
/// wait for that.
final class ServerLife: @unchecked Sendable {
  private let loop: EventLoop
  private let actions: LifeActions
  private let paths = PathWatcher()
  private let notices = AppNotices()
  private var saving: [() -> Void] = []
  private var stopped = false

  init(_ loop: EventLoop, _ actions: LifeActions) {
    self.loop = loop
    self.actions = actions
  }

  /// Begins to listen to the system.
  func start() {
    paths.start { [weak self] isOnline in self?.onLoop { $0.actions.networkChanged(isOnline) } }
    notices.start(
      onBackground: { [weak self] in
        guard let life = self else { return }
        holdAwake { done in life.onLoop({ $0.entersBackground(done) }, otherwise: done) }
      },
      onForeground: { [weak self] in self?.onLoop { $0.entersForeground() } },
      onMemoryWarning: { [weak self] in self?.onLoop { $0.warnedOfMemory() } }
    )
  }

  /// Hears nothing any more. Called on the loop.
  func stop() {
    stopped = true
    paths.stop()
    notices.stop()
  }

  /// The app leaves the foreground; `done` follows once everything is on the disk.
  func entersBackground(_ done: @escaping () -> Void) {
    loop.assertHere()
    actions.background()
    saving.append(done)
    // One save at a time; who comes during one has its bytes written by it or by the journal's own timer.
    if saving.count > 1 { return }
    actions.save {
      let waiting = self.saving
      self.saving = []
      for done in waiting { done() }
    }
  }

  /// The app is in front again.
  func entersForeground() {
    loop.assertHere()
    actions.foreground()
  }

  /// The system is short of memory.
  func warnedOfMemory() {
    loop.assertHere()
    actions.memoryWarning()
  }

  /// Runs work on the loop while the server runs.
  private func onLoop(_ work: @escaping (ServerLife) -> Void, otherwise: @escaping () -> Void = {}) {
    loop.later { if self.stopped { otherwise() } else { work(self) } }
  }
}

#if os(iOS)
  /// The system's notices of the app's life.
  private final class AppNotices: @unchecked Sendable {
    private var observers: [any NSObjectProtocol] = []

    func start(
      onBackground: @escaping @Sendable () -> Void,
      onForeground: @escaping @Sendable () -> Void,
      onMemoryWarning: @escaping @Sendable () -> Void
    ) {
      let center = NotificationCenter.default
      observers = [
        center.addObserver(forName: UIApplication.didEnterBackgroundNotification, object: nil, queue: nil) { _ in
          onBackground()
        },
        center.addObserver(forName: UIApplication.willEnterForegroundNotification, object: nil, queue: nil) { _ in
          onForeground()
        },
        center.addObserver(forName: UIApplication.didReceiveMemoryWarningNotification, object: nil, queue: nil) { _ in
          onMemoryWarning()
        },
      ]
    }

    func stop() {
      for observer in observers { NotificationCenter.default.removeObserver(observer) }
      observers = []
    }
  }

  /// Keeps the app from being suspended until the work says that it is done, as long as the system allows. It works in
  /// extensions too, where there is no application to ask.
  private func holdAwake(_ work: @escaping @Sendable (_ done: @escaping @Sendable () -> Void) -> Void) {
    ProcessInfo.processInfo.performExpiringActivity(withReason: "The cache writes its index") { expired in
      // Called once more when time is up: nothing can be done then, and what is not written is fetched again.
      if expired { return }
      // The system's own thread, which it gave for this.
      let over = DispatchSemaphore(value: 0)
      work { over.signal() }
      over.wait()
    }
  }
#else
  /// There is no such life: the process runs until it ends.
  private struct AppNotices: Sendable {
    func start(
      onBackground: @escaping @Sendable () -> Void,
      onForeground: @escaping @Sendable () -> Void,
      onMemoryWarning: @escaping @Sendable () -> Void
    ) {}
    func stop() {}
  }

  private func holdAwake(_ work: @escaping @Sendable (_ done: @escaping @Sendable () -> Void) -> Void) {
    work {}
  }
#endif
