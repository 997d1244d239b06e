import SwiftUI

/// The one screen: start and stop, where the harness finds the app, what happened.
struct HostScreen: View {
  @ObservedObject var model: HostModel

  var body: some View {
    NavigationView {
      List {
        Section {
          button
          Toggle("Also over the network", isOn: $model.overNetwork)
            .disabled(model.isListening || model.phase == .changing)
        }
        address
        Section(header: Text("Log")) {
          ForEach(model.lines) { line in
            Text(line.text).font(.footnote)
          }
        }
      }
      .navigationTitle("Reelcache Host")
    }
    .navigationViewStyle(.stack)
  }

  private var button: some View {
    Button(model.isListening ? "Stop" : "Start") {
      let isListening = model.isListening
      Task {
        if isListening { await model.stop() } else { await model.start() }
      }
    }
    .disabled(model.phase == .changing)
  }

  @ViewBuilder private var address: some View {
    switch model.phase {
    case .listening(let port):
      Section(header: Text("On the computer")) {
        Text(verbatim: "harness doctor --target device").font(.footnote)
        ForEach(model.addresses, id: \.self) { address in
          Text(verbatim: "device:\(address):\(port)").font(.footnote)
        }
        if !model.code.isEmpty {
          Text(verbatim: "REELCACHE_DEVICE_CODE=\(model.code)").font(.footnote)
        }
      }
      .textSelection(.enabled)
    case .failed(let message):
      Section { Text(message).foregroundColor(.red) }
    case .stopped, .changing:
      EmptyView()
    }
  }
}
