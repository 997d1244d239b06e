import SwiftUI

/// Lets the conformance harness on a computer drive the proxy on this device.
@main
struct HostApp: App {
  @StateObject private var model = HostModel()
  @Environment(\.scenePhase) private var phase

  var body: some Scene {
    WindowGroup {
      HostScreen(model: model)
    }
    .onChange(of: phase) { phase in
      if phase == .active { model.cameToFront() }
    }
  }
}
