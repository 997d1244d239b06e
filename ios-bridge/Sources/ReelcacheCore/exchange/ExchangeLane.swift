/// Which lane an exchange's requests to its origin travel in.

/// The lane of what an exchange asks for (R-EXPRESS-1).
package func laneOf(_ state: ProxyState, _ exchange: Exchange) -> Lane {
  if exchange.method == .background && exchange.found == nil { return .background }
  // R-LL-3
  if exchange.directed { return .held }
  if exchange.playlist || exchange.method == .head || remembersUrl(state.expressUrls, exchange.url) {
    return .express
  }
  let max = state.options.limits.expressRangeBytes
  if case .from(let first, let last) = exchange.range, last != -1, last - first + 1 < max { return .express }
  if case .suffix(let length) = exchange.range, length < max { return .express }
  return .regular
}
