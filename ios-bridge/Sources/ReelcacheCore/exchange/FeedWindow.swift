/// A feed: of a list of URLs those near the one that is watched are preloaded, the nearest first.

/// How many items after and before the one that is watched, and how much of each.
package struct WindowShape: Sendable {
  package var ahead: Int
  package var behind: Int
  package var amount: PreloadAmount

  package init(ahead: Int, behind: Int, amount: PreloadAmount) {
    self.ahead = ahead
    self.behind = behind
    self.amount = amount
  }
}

/// Makes the window be around `index`: what left it is cancelled, what stays goes on, what is new begins. Returns the
/// window's preloads, the nearest first; a list without URLs closes it.
package func setFeedWindow(
  _ state: ProxyState,
  _ urls: [ByteString],
  _ index: Int,
  _ shape: WindowShape,
  _ nowMs: Int
) -> [Preload] {
  let wanted = windowUrls(urls, index, shape, state.options.limits.windowMax)
  let known = state.window
  var kept: [Preload] = []
  // What is cancelled makes room for the nearest, which may come last.
  state.preloads.held = true
  // R-WINDOW-2
  for preload in known where !wanted.contains(preload.order.url) {
    _ = cancelPreload(state, preload.id, nowMs)
  }
  for (place, url) in wanted.enumerated() {
    let priority = windowPriority - place
    if let same = known.first(where: { $0.order.url == url && isOfUse($0, shape.amount) }) {
      same.order.priority = priority
      kept.append(same)
      continue
    }
    if let stale = known.first(where: { $0.order.url == url }) { _ = cancelPreload(state, stale.id, nowMs) }
    let order = PreloadOrder(
      url: url,
      amount: shape.amount,
      variant: VariantWish(by: .first, value: 0),
      subtitles: false,
      priority: priority
    )
    if let preload = startPreload(state, order, nowMs) { kept.append(preload) }
  }
  state.window = kept
  sortPreloads(state.preloads)
  state.preloads.held = false
  runPreloads(state, nowMs)
  return kept
}

/// Above what is preloaded by request, which has 0 to 9.
private let windowPriority = 100

/// The URLs in the window, each once: the watched one, then those after and before it by their distance.
package func windowUrls(_ urls: [ByteString], _ index: Int, _ shape: WindowShape, _ max: Int) -> [ByteString] {
  var wanted: [ByteString] = []
  let watched = Swift.max(0, min(index, urls.count - 1))
  let farthest = min(Swift.max(shape.ahead, shape.behind), urls.count)
  var distance = 0
  while distance <= farthest && wanted.count < max {
    // R-WINDOW-1
    if distance <= shape.ahead { addUrl(&wanted, urls, watched + distance, max) }
    if distance > 0 && distance <= shape.behind { addUrl(&wanted, urls, watched - distance, max) }
    distance += 1
  }
  return wanted
}

private func addUrl(_ wanted: inout [ByteString], _ urls: [ByteString], _ place: Int, _ max: Int) {
  guard urls.indices.contains(place), wanted.count < max else { return }
  let url = urls[place]
  if !wanted.contains(url) { wanted.append(url) }
}

/// Whether what is under way or done is what is wanted now; what failed is begun anew.
private func isOfUse(_ preload: Preload, _ amount: PreloadAmount) -> Bool {
  preload.order.amount == amount && (preload.state == .active || preload.state == .done)
}
