// What the bridge and its host app use of UIKit.

@_exported import Foundation

@MainActor open class UIApplication {
  init() {}
  public class var shared: UIApplication { fatalError() }
  public nonisolated static let didEnterBackgroundNotification = NSNotification.Name("")
  public nonisolated static let willEnterForegroundNotification = NSNotification.Name("")
  public nonisolated static let didReceiveMemoryWarningNotification = NSNotification.Name("")
  open var isIdleTimerDisabled: Bool {
    get { fatalError() }
    set { fatalError() }
  }
}

@MainActor open class UIDevice {
  init() {}
  public class var current: UIDevice { fatalError() }
  open var name: String { fatalError() }
  open var systemName: String { fatalError() }
  open var systemVersion: String { fatalError() }
}
