// The command, and a fault in its process once it is told to by SIGUSR2: FAULT_ON_PURPOSE names it. Once it is committed,
// and nothing has ended the process for it, a line says so.

import Faults
import Foundation
import ReelcacheCommand

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

let fault = Fault(rawValue: ProcessInfo.processInfo.environment["FAULT_ON_PURPOSE"] ?? "")
// Before there is a second thread, so that every one blocks it but who waits for it.
var asked = sigset_t()
sigemptyset(&asked)
sigaddset(&asked, SIGUSR2)
pthread_sigmask(SIG_BLOCK, &asked, nil)
Thread { [asked] in
  var set = asked
  var number: Int32 = 0
  while sigwait(&set, &number) == 0 {
    fault?.commit()
    FileHandle.standardError.write(Data("the fault is committed\n".utf8))
  }
}.start()
startCommand()
