import ReelcacheCore

// The core's classes know nothing of threads. Here they live on the loop alone: made, changed and read on its queue. The
// closures that carry them from one turn of the loop to another are `@Sendable` by Apple's signatures, so this says of
// each class what `EventLoop.assertHere` proves at the entries.

extension Entry: @unchecked Sendable {}
extension Body: @unchecked Sendable {}
extension Cursor: @unchecked Sendable {}
extension Flight: @unchecked Sendable {}
extension Exchange: @unchecked Sendable {}
extension ProxyState: @unchecked Sendable {}
extension LaneQueue: @unchecked Sendable {}
extension BreakerTable: @unchecked Sendable {}
extension ResourceTable: @unchecked Sendable {}
extension Slot: @unchecked Sendable {}
extension UrlMemory: @unchecked Sendable {}
