/// Pages of the proxy itself: its health, and what an app adds.
import ReelcacheCore

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

package struct LocalPage: Sendable {
  package let contentType: ByteString
  package let body: Data

  package init(contentType: ByteString, body: Data) {
    self.contentType = contentType
    self.body = body
  }
}

/// Pages that are added from outside: the page at a path (its prefix already removed), or nil.
package final class LocalPages: @unchecked Sendable {
  package var find: ((ByteString) -> LocalPage?)?

  package init() {}
}

/// The complete answer to a request for a page of the proxy's own.
package func localPage(
  _ state: ProxyState,
  _ pages: LocalPages,
  _ request: PlayerRequest,
  _ path: ByteString,
  _ nowMs: Int
) -> (head: ResponseHead, body: Data) {
  let found = ownPage(state, path) ?? pages.find?(path)
  let status = found == nil ? 404 : 200
  let page = found ?? LocalPage(contentType: "application/problem+json", body: Data(notFoundBody()))
  let keepAlive = state.options.keepAlive && !request.close
  var parts = plainParts(state, status, request.httpMinor, keepAlive, nowMs)
  parts.contentType = page.contentType
  parts.contentLength = page.body.count
  parts.note = newNote("local")
  parts.stored = ["Cache-Control", "no-store"]
  return (head: responseHead(parts), body: page.body)
}

private func ownPage(_ state: ProxyState, _ path: ByteString) -> LocalPage? {
  if path != "/health" { return nil }
  let lanes = laneCounts(state.lanes)
  var text: ByteString = "{\"status\":\"ok\",\"entries\":\(state.table.bodies.count),\"bytes\":\(state.table.bytes)"
  text += ",\"flights\":\(state.flights.count),\"exchanges\":\(state.exchanges.count)"
  text += ",\"lanes\":{\"running\":\(numbersJson(lanes.running)),\"extra\":\(lanes.extra)"
  text += ",\"waiting\":\(numbersJson(lanes.waiting))}}\n"
  return LocalPage(contentType: "application/json", body: Data(text))
}

private func numbersJson(_ numbers: LaneNumbers) -> ByteString {
  let apart: ByteString = "{\"express\":\(numbers.express),\"held\":\(numbers.held)"
  return apart + ",\"regular\":\(numbers.regular),\"background\":\(numbers.background)}"
}

/// The ellipsis of the reference's sentence is no byte of wire text: it is written as JSON has it.
private func notFoundBody() -> ByteString {
  let detail: ByteString = "use /proxy?url=... or /https/host/path"
  let body = problemBody(.notFound, detail, nil)
  let dots = body.indexOf("...")
  return body.slice(0, dots) + "\\u2026" + body.slice(dots + 3)
}
