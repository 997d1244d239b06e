// Faults that only macOS has.

import Foundation

#if os(macOS)
  func callOfPhones() {
    ProcessInfo.processInfo.performExpiringActivity(withReason: "none") { _ in }  // fault: is unavailable in macOS
  }

  func newerSleep() async throws {
    try await Task.sleep(for: .seconds(1))  // fault: only available in macOS 13.0
  }
#endif
