/// A span set: the stored byte intervals of one resource (SPEC: R-SPAN-1).
///
/// Spans are a flat array of numbers `[start, end, start, end, …]`: end exclusive, ascending, disjoint, and never
/// touching, so that both twins, the index and the vectors hold the same plain data. Offsets are bytes below 2^53.
package typealias SpanSet = [Int]

/// Adds the bytes from `start` to `end` (exclusive), in place; merges what overlaps or touches. An empty one adds nothing.
package func spanAdd(_ spans: inout SpanSet, _ start: Int, _ end: Int) {
  // R-SPAN-1
  if start >= end { return }
  let first = pairEndingAtOrAfter(spans, start)
  var next = first
  var mergedStart = start
  var mergedEnd = end
  // R-SPAN-2: every span that overlaps or touches becomes part of the new one.
  while next < spans.count && spans[next] <= end {
    mergedStart = min(mergedStart, spans[next])
    mergedEnd = max(mergedEnd, spans[next + 1])
    next += 2
  }
  if next == first + 2 {
    // A flight grows its last span with every piece received: no array is made for that.
    spans[first] = mergedStart
    spans[first + 1] = mergedEnd
    return
  }
  spans.replaceSubrange(first..<next, with: [mergedStart, mergedEnd])
}

/// End (exclusive) of the span that holds the byte at `offset`, or -1 when that byte is not stored.
package func spanEndAt(_ spans: SpanSet, _ offset: Int) -> Int {
  let pair = pairEndingAtOrAfter(spans, offset + 1)
  // R-SPAN-3
  return pair < spans.count && spans[pair] <= offset ? spans[pair + 1] : -1
}

/// Start of the first span that starts at or after `offset`, or -1 when there is none.
package func spanNextStart(_ spans: SpanSet, _ offset: Int) -> Int {
  var pair = pairEndingAtOrAfter(spans, offset + 1)
  if pair < spans.count && spans[pair] < offset { pair += 2 }
  // R-SPAN-4
  return pair < spans.count ? spans[pair] : -1
}

/// The bytes from `start` to `end` (exclusive) that are not stored, as a span set: what is to be fetched.
package func spanHoles(_ spans: SpanSet, _ start: Int, _ end: Int) -> SpanSet {
  var holes: SpanSet = []
  var offset = start
  var pair = pairEndingAtOrAfter(spans, start + 1)
  // R-SPAN-5
  while offset < end && pair < spans.count && spans[pair] < end {
    if spans[pair] > offset {
      holes.append(offset)
      holes.append(spans[pair])
    }
    offset = spans[pair + 1]
    pair += 2
  }
  if offset < end {
    holes.append(offset)
    holes.append(end)
  }
  return holes
}

/// Number of bytes stored.
package func spanBytes(_ spans: SpanSet) -> Int {
  var bytes = 0
  var pair = 0
  while pair < spans.count {
    bytes += spans[pair + 1] - spans[pair]
    pair += 2
  }
  // R-SPAN-6
  return bytes
}

/// Whether every byte from `start` to `end` (exclusive) is stored; an empty interval always is.
package func spanCovers(_ spans: SpanSet, _ start: Int, _ end: Int) -> Bool {
  // R-SPAN-7
  start >= end || spanEndAt(spans, start) >= end
}

/// Drops every byte at or after `end`, in place: the file turned out to be shorter than its rows say.
package func spanClip(_ spans: inout SpanSet, _ end: Int) {
  let pair = pairEndingAtOrAfter(spans, end + 1)
  if pair >= spans.count { return }
  // R-SPAN-8
  if spans[pair] < end {
    spans[pair + 1] = end
    spans.removeSubrange((pair + 2)...)
    return
  }
  spans.removeSubrange(pair...)
}

/// Index of the first pair whose end is at or after `offset`; the array's length when there is none. Binary search.
private func pairEndingAtOrAfter(_ spans: SpanSet, _ offset: Int) -> Int {
  var low = 0
  var high = spans.count / 2
  while low < high {
    let middle = (low + high) / 2
    if spans[middle * 2 + 1] < offset {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low * 2
}
