@testable import ReelcacheCore

/// Every object of the core that a run ever had, held weakly: what is alive when it should be gone was leaked.
final class LeakWatch {
  private struct Watched {
    weak var object: AnyObject?
    let name: String
  }

  private var watched: [ObjectIdentifier: Watched] = [:]
  /// How many objects were seen, those that are gone as well.
  private(set) var seen: [String: Int] = [:]

  /// Notes what the state holds now.
  func look(_ state: ProxyState) {
    for exchange in state.exchanges.values { add(exchange) }
    for flight in state.flights.values { add(flight) }
    for body in state.table.bodies { add(body) }
    for cursor in state.sleepers { add(cursor, "Cursor") }
  }

  /// Notes what an action names, as some objects begin and end between two looks.
  func look(_ action: Action) {
    switch action {
    case .send(let flight, _), .abort(let flight), .pause(let flight), .resume(let flight), .landed(let flight),
      .resign(let flight, _):
      add(flight)
    case .head(let exchange, _, _), .pump(let exchange), .begin(let exchange), .validated(let exchange, _):
      add(exchange)
    case .store(let body), .span(let body, _, _), .touch(let body), .forget(let body), .remove(let body):
      add(body)
    case .event, .preload:
      break
    }
  }

  /// What is alive, but for bodies that the state still finds by their keys.
  func alive(_ state: ProxyState?) -> [String] {
    let kept = Set((state?.table.bodies ?? []).flatMap { [ObjectIdentifier($0), ObjectIdentifier($0.entry)] })
    return watched.compactMap { id, one in one.object == nil || kept.contains(id) ? nil : one.name }.sorted()
  }

  private func add(_ exchange: Exchange) {
    add(exchange, "Exchange")
    if let body = exchange.body { add(body) }
    if let cursor = exchange.cursor { add(cursor, "Cursor") }
    if let flight = exchange.waitingOn { add(flight) }
  }

  private func add(_ flight: Flight) {
    add(flight, "Flight")
    add(flight.body)
    if let known = flight.revalidates { add(known) }
  }

  private func add(_ body: Body) {
    add(body, "Body")
    add(body.entry, "Entry")
    for cursor in body.cursors { add(cursor, "Cursor") }
  }

  private func add(_ object: AnyObject, _ name: String) {
    let id = ObjectIdentifier(object)
    // The place in memory of one that is gone may be another's now.
    if watched[id]?.object != nil { return }
    watched[id] = Watched(object: object, name: name)
    seen[name, default: 0] += 1
  }
}
