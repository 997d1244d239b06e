/// How much to preload.
public enum PreloadAmount: Sendable, Equatable {
  /// All of it.
  case all
  /// The segments that begin within so many seconds of playing.
  case seconds(Double)
  /// So many segments.
  case segments(Int)
  /// Segments until so many bytes are here; of a file its first bytes.
  case bytes(Int)
}

/// Which variant of a multivariant playlist to preload.
public enum PreloadVariant: Sendable, Equatable {
  /// The first that it lists, with which AVPlayer begins.
  case first
  /// The best within a bandwidth in bits per second, the least when none is.
  case bandwidth(Int)
  /// The best within a picture height, the least when none is.
  case height(Int)
  /// One by its place, from 0.
  case index(Int)
}

/// What to preload of a URL.
public struct PreloadOptions: Sendable {
  /// How much.
  public var amount: PreloadAmount
  /// Which variant of a multivariant playlist.
  public var variant: PreloadVariant
  /// Its subtitles as well.
  public var subtitles: Bool
  /// 0 to 9; what has more goes first.
  public var priority: Int
  /// Hears how far it came, the last time when it is over; on the server's own queue, so it must be quick.
  public var onProgress: (@Sendable (PreloadProgress) -> Void)?

  /// All of the first variant, after what has more priority.
  public init(
    amount: PreloadAmount = .all,
    variant: PreloadVariant = .first,
    subtitles: Bool = false,
    priority: Int = 0,
    onProgress: (@Sendable (PreloadProgress) -> Void)? = nil
  ) {
    self.amount = amount
    self.variant = variant
    self.subtitles = subtitles
    self.priority = priority
    self.onProgress = onProgress
  }
}

/// How far a preload came. What is not known yet of the whole is 0.
public struct PreloadProgress: Sendable, Equatable {
  /// Whether it is at work, or how it ended.
  public enum State: String, Sendable {
    /// At work, or waiting to be.
    case active
    /// All that was asked for is here.
    case done
    /// It cannot go on; see `cause`.
    case failed
    /// It was cancelled.
    case cancelled
  }

  /// Counts the preloads of a server; 0 for one that was refused.
  public let id: Int
  /// What was asked for.
  public let url: String
  /// Whether it is at work, or how it ended.
  public let state: State
  /// Why it failed: an error's code, `status-404` and the like, `live`, `no-variant` or `not-stored`; else "".
  public let cause: String
  /// Bytes of everything that is here.
  public let bytes: Int
  /// Segments of the variant's own playlist that are here.
  public let segments: Int
  /// Their length, in seconds.
  public let seconds: Double
  /// Segments that there will be.
  public let segmentsAll: Int
  /// Their length, in seconds.
  public let secondsAll: Double
}

/// What the window of a feed holds around the item that is watched.
public struct WindowOptions: Sendable {
  /// Items after it.
  public var ahead: Int
  /// Items before it.
  public var behind: Int
  /// How much of each.
  public var amount: PreloadAmount

  /// One item ahead, none behind, all of each.
  public init(ahead: Int = 1, behind: Int = 0, amount: PreloadAmount = .all) {
    self.ahead = ahead
    self.behind = behind
    self.amount = amount
  }
}

/// A preload under way. May be used from any thread.
public final class PreloadHandle: Sendable {
  private let course: Locked<Course>
  private let onProgress: (@Sendable (PreloadProgress) -> Void)?
  private let onCancel: @Sendable (PreloadHandle) -> Void

  private struct Course {
    var progress: PreloadProgress
    var waiting: [CheckedContinuation<PreloadProgress, Never>] = []
  }

  init(
    _ progress: PreloadProgress,
    _ onProgress: (@Sendable (PreloadProgress) -> Void)?,
    _ onCancel: @escaping @Sendable (PreloadHandle) -> Void
  ) {
    course = Locked(Course(progress: progress))
    self.onProgress = onProgress
    self.onCancel = onCancel
  }

  /// How far it came.
  public var progress: PreloadProgress { course.with { $0.progress } }

  /// How it ended; waits for it, and never throws.
  public var done: PreloadProgress {
    get async {
      await withCheckedContinuation { continuation in
        let over = course.with { course -> PreloadProgress? in
          if course.progress.state != .active { return course.progress }
          course.waiting.append(continuation)
          return nil
        }
        if let over { continuation.resume(returning: over) }
      }
    }
  }

  /// Ends it; what it brought stays.
  public func cancel() {
    onCancel(self)
  }

  /// It is known by its number from now on.
  func begin(_ progress: PreloadProgress) {
    course.with { course in
      if course.progress.id == 0 { course.progress = progress }
    }
  }

  func hear(_ progress: PreloadProgress) {
    let waiting = course.with { course -> [CheckedContinuation<PreloadProgress, Never>] in
      course.progress = progress
      if progress.state == .active { return [] }
      defer { course.waiting = [] }
      return course.waiting
    }
    onProgress?(progress)
    for continuation in waiting { continuation.resume(returning: progress) }
  }
}
