import XCTest

@testable import ReelcacheCore

/// Every function of the core, bound to JSON; one part for each folder of the core.
private func vectorRegistry() -> VectorRegistry {
  let parts = [
    vectorsBase(), vectorsHttp(), vectorsRoute(), vectorsPlaylist(), vectorsPreload(), vectorsCache(),
    vectorsDownload(), vectorsResponse(),
  ]
  return parts.reduce(into: [:]) { whole, part in
    whole.merge(part) { _, _ in preconditionFailure("Two parts of the registry name the same module") }
  }
}

final class VectorTests: XCTestCase {
  func testEveryCaseOfBaseGivesWhatItsVectorSays() throws {
    try runFolder("base")
  }

  func testEveryCaseOfHttpGivesWhatItsVectorSays() throws {
    try runFolder("http")
  }

  func testEveryCaseOfRouteGivesWhatItsVectorSays() throws {
    try runFolder("route")
  }

  func testEveryCaseOfPlaylistGivesWhatItsVectorSays() throws {
    try runFolder("playlist")
  }

  func testEveryCaseOfCacheGivesWhatItsVectorSays() throws {
    try runFolder("cache")
  }

  func testEveryCaseOfDownloadGivesWhatItsVectorSays() throws {
    try runFolder("download")
  }

  func testEveryCaseOfReaderGivesWhatItsVectorSays() throws {
    try runFolder("reader")
  }

  func testEveryCaseOfResponseGivesWhatItsVectorSays() throws {
    try runFolder("response")
  }

  func testNoFolderIsLeftOut() throws {
    let known: Set = ["base", "http", "route", "playlist", "cache", "download", "reader", "response"]
    let found = Set(try readVectorFiles().map { folderOf($0.module) })
    XCTAssertEqual(found.subtracting(known), [], "Folders of vectors that no test here runs")
  }

  func testTheRegistryBindsNothingThatNoVectorCalls() throws {
    let called = Set(try readVectorFiles().flatMap { file in file.cases.map { "\(file.module) \($0.call)" } })
    let bound = Set(vectorRegistry().flatMap { module, functions in functions.keys.map { "\(module) \($0)" } })
    XCTAssertEqual(bound.subtracting(called).sorted(), [])
  }

  private func runFolder(_ folder: String) throws {
    let registry = vectorRegistry()
    var ran: [String] = []
    for file in try readVectorFiles() where folderOf(file.module) == folder {
      for vector in file.cases {
        if let difference = runVector(registry[file.module] ?? [:], vector) {
          XCTFail("\(vector.id): found \(difference.found), wanted \(difference.wanted)")
        }
        ran.append("\(file.module) \(vector.id)")
      }
    }
    try recordIds(ran)
  }

  private func folderOf(_ module: String) -> String {
    String(module.prefix { $0 != "/" })
  }
}

final class VectorRunnerTests: XCTestCase {
  private let functions: [String: VectorCall] = [
    "push": change { (list: inout [Int]) in list.append(1) },
    "same": call { (list: [Int]) in list },
  ]

  func testACaseThatIsAsWrittenPasses() {
    XCTAssertNil(runVector(functions, vector("push", [.list([])], nil, [0], [.list([.number(1)])])))
    XCTAssertNil(runVector(functions, vector("same", [.list([])], .list([]), [], [])))
  }

  func testAWrongReturnIsFound() {
    XCTAssertNotNil(runVector(functions, vector("same", [.list([])], .list([.number(1)]), [], [])))
    XCTAssertNotNil(runVector(functions, vector("same", [.list([])], nil, [], [])))
  }

  func testAnUnknownCallIsFound() {
    XCTAssertNotNil(runVector(functions, vector("pull", [.list([])], .list([]), [], [])))
  }

  func testAWrongArgumentAfterTheCallIsFound() {
    XCTAssertNotNil(runVector(functions, vector("push", [.list([])], nil, [0], [.list([.number(2)])])))
  }

  func testAnArgumentChangedInSecretIsFound() {
    XCTAssertNotNil(runVector(functions, vector("push", [.list([])], nil, [], [])))
  }

  func testArgumentsOfAnotherTypeOrNumberAreFound() {
    XCTAssertNotNil(runVector(functions, vector("same", [.text("")], .text(""), [], [])))
    XCTAssertNotNil(runVector(functions, vector("same", [.list([]), .list([])], .list([]), [], [])))
    XCTAssertNotNil(runVector(functions, vector("same", [], .list([]), [], [])))
  }

  func testTrueIsNotOneAndNullIsNotZero() throws {
    let file = Data("[true, 1, 0, null, \"1\", {\"a\": [9007199254740991]}]".utf8)
    let json = try JSONDecoder().decode(Json.self, from: file)
    XCTAssertEqual(
      json,
      .list([.bool(true), .number(1), .number(0), .null, .text("1"), .record(["a": .list([.number(integerMax)])])])
    )
  }

  private func vector(
    _ name: String,
    _ args: [Json],
    _ returns: Json?,
    _ mutates: [Int],
    _ after: [Json]
  ) -> VectorCase {
    VectorCase(id: "x/y", call: name, args: args, returns: returns, mutates: mutates, after: after)
  }
}
