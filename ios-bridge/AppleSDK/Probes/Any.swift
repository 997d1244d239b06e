// Faults on every Apple system. The check fails when the compiler does not find each of them, or finds another.

import Darwin
import Foundation
import Network
import SQLite3

#if canImport(FoundationEssentials) || canImport(Glibc) || !canImport(Darwin) || os(Linux)
  #error("this is compiled for Linux")
#endif

#if canImport(Darwin)
  func linuxFieldOfStat(_ status: stat) -> timespec {
    status.st_mtim  // fault: value of type 'stat' has no member 'st_mtim'
  }

  func linuxEnumOfSockets() -> UInt32 {
    SOCK_STREAM.rawValue  // fault: value of type 'Int32' has no member 'rawValue'
  }

  func newerSqlite(_ database: OpaquePointer) -> Int64 {
    sqlite3_changes64(database)  // fault: cannot find 'sqlite3_changes64' in scope
  }

  func forgetsUnknownCases(_ state: NWConnection.State) -> Bool {
    switch state {  // fault: may have additional unknown values
    case .setup, .preparing, .waiting: false
    case .ready, .failed, .cancelled: true
    }
  }

  final class HiddenMember: @unchecked Sendable {
    private let socket: NWConnection
    private var changes = 0
    init(_ socket: NWConnection) { self.socket = socket }
    func start() {
      socket.stateUpdateHandler = { [weak self] _ in self?.changes += 1 }  // fault: converting non-sendable
    }
  }
#endif
