/// Carries out commands of control and answers them.

/// Status, media type and content of an answer.
package struct ControlAnswer: Sendable {
  package let status: Int
  package let type: ByteString
  package let content: ByteString
}

/// Carries out a command; nil when texts of playlists are needed first: nothing was done then.
package func controlAnswer(
  _ state: ProxyState,
  _ command: ControlCommand,
  _ shelf: TextShelf,
  _ nowMs: Int
) -> ControlAnswer? {
  shelf.needed = []
  let answer = carryOut(state, command, shelf, nowMs)
  return shelf.needed.isEmpty ? answer : nil
}

/// The head of an answer. No page may read it, whatever the option for CORS says of media.
package func controlHead(
  _ state: ProxyState,
  _ request: PlayerRequest,
  _ answer: ControlAnswer,
  _ nowMs: Int
) -> ResponseHead {
  let keepAlive = state.options.keepAlive && !request.close
  var parts = plainParts(state, answer.status, request.httpMinor, keepAlive, nowMs)
  parts.contentType = answer.type
  parts.contentLength = answer.content.count
  parts.note = newNote("local")
  parts.stored = ["Cache-Control", "no-store"]
  // R-CTRL-4
  parts.cors = .none
  if answer.status == 503 { parts.retryAfterSeconds = 1 }
  return responseHead(parts)
}

/// An answer that says what was wrong.
package func controlProblem(_ code: ErrorCode, _ detail: ByteString) -> ControlAnswer {
  let content = problemBody(code, detail, nil)
  return ControlAnswer(status: errorRow(code).status, type: "application/problem+json", content: content)
}

private func carryOut(
  _ state: ProxyState,
  _ command: ControlCommand,
  _ shelf: TextShelf,
  _ nowMs: Int
) -> ControlAnswer {
  switch command {
  case .entries(let after, let most):
    let page = entriesPage(state, after, most)
    return json(entriesJson(page, page.count < most ? 0 : page.last?.entry.id ?? 0))
  case .status(let url):
    return json(presentationJson(presentationStatus(state, url, shelf)))
  case .preloads:
    // By id: which of two ends first is the disk's to say.
    return json(preloadsJson(state.preloads.active + state.preloads.ended.sorted { $0.id < $1.id }))
  case .preload(let order):
    guard let preload = startPreload(state, order, nowMs) else {
      return controlProblem(.tooBusy, "preloadsMax are at work")
    }
    return json(preloadJson(preload))
  case .cancel(let id):
    guard let preload = findPreload(state.preloads, id) else {
      return controlProblem(.notFound, "there is no such preload")
    }
    _ = cancelPreload(state, id, nowMs)
    return json(preloadJson(preload))
  case .window(let urls, let index, let shape):
    return json(preloadsJson(setFeedWindow(state, urls, index, shape, nowMs)))
  case .pin(let url, let pinned):
    return json(countJson("changed", pinPresentation(state, url, pinned, shelf)))
  case .remove(let url):
    return json(countJson("removed", removePresentation(state, url, shelf)))
  case .refused(let code, let detail):
    return controlProblem(code, detail)
  }
}

private func json(_ content: ByteString) -> ControlAnswer {
  ControlAnswer(status: 200, type: "application/json", content: content + "\n")
}
