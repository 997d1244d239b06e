// The command `reelcache-sut [URL…]`: the twin of server/main.ts.

import Dispatch
import ReelcacheCommand

startCommand()
dispatchMain()
