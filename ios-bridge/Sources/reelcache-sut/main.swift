// The command `reelcache-sut [URL…]`: the twin of server/main.ts.

import ReelcacheCommand

startCommand()
