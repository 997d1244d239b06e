import Dispatch
import Reelcache

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Signals that ask for the end.
private let stopSignals = [SIGINT, SIGTERM, SIGHUP]

/// Hands the process to the run, and the run's status back to the process. To be called first of all, on the first
/// thread, which from then on waits for signals.
package func startCommand() -> Never {
  let signals = SignalWait(stopSignals)
  holdStandardDescriptors()
  let input = InputLines()
  let world = World(
    args: Array(CommandLine.arguments.dropFirst()),
    environment: ProcessInfo.processInfo.environment,
    version: reelcacheVersion,
    start: { options in try await startServer(options) },
    write: { text in writeAll(1, text) },
    complain: { text in writeAll(2, text) },
    errorIsTerminal: isatty(2) == 1,
    onStop: { callback in signals.start(callback) },
    onLine: { callback in input.start(callback) },
    now: { Int(DispatchTime.now().uptimeNanoseconds / 1_000_000) }
  )
  Task {
    let status = await runCommand(world) { status in _exit(status) }
    exit(status)
  }
  signals.take(stopSignals)
}
