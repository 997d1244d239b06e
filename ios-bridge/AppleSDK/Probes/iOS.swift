// Faults that only iOS has.

import Foundation
import Network
import SwiftUI
import UIKit

#if os(iOS)
  func wrongName() -> Notification.Name {
    UIApplication.didEnterBackground  // fault: type 'UIApplication' has no member 'didEnterBackground'
  }

  func wrongThread() {
    UIApplication.shared.isIdleTimerDisabled = true  // fault: main actor-isolated
  }

  func wrongCall() {
    ProcessInfo.processInfo.performExpiringActivity(reason: "none") { _ in }  // fault: incorrect argument label
  }

  func newerReason(_ path: NWPath) -> Bool {
    path.unsatisfiedReason == .vpnInactive  // fault: only available in iOS 17.0
  }

  struct WrongView: View {
    var body: some View {
      Text(verbatim: 1)  // fault: cannot convert value of type 'Int'
    }
  }

  func newerSleep() async throws {
    try await Task.sleep(for: .seconds(1))  // fault: only available in iOS 16.0
  }
#endif
