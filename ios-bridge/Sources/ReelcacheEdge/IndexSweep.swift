#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files that the sweep deletes off the loop.
final class IndexSweep: @unchecked Sendable {
  private let dataDir: String
  private let ids: [Int]
  private(set) var removed = 0
  private(set) var errors: [FileError] = []
  private var done: ((IndexSweep) -> Void)?

  init(_ dataDir: String, _ ids: [Int], _ done: @escaping (IndexSweep) -> Void) {
    self.dataDir = dataDir
    self.ids = ids
    self.done = done
  }

  func perform() {
    for id in ids {
      do throws(FileError) {
        try unlinkFile("\(dataDir)/\(dataFileName(id))")
        removed += 1
      } catch {
        if error.code != ENOENT { errors.append(error) }
      }
    }
  }

  func end() {
    let done = done
    self.done = nil
    done?(self)
  }
}
