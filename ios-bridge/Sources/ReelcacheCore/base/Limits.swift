/// Every bound of the proxy, in one place, units last in the name (SPEC: R-LIMIT-1).
///
/// A limit is a plain number in a plain record, so that a test, an option or a playbook can lower any of them and the
/// TypeScript twin carries the same names and values.
package struct Limits: Sendable, Equatable {
  /// Longest request target accepted, in bytes; longer is 414.
  package var targetBytesMax = 16_384
  /// Longest request head accepted, in bytes; longer is 431.
  package var requestHeadBytesMax = 65_536
  /// Time a player has to complete a request head, in milliseconds; later is 408.
  package var requestHeadMs = 10_000
  /// Idle time after which a kept-alive player connection is closed, in milliseconds.
  package var keepAliveMs = 30_000
  /// Player connections open at once.
  package var connectionsMax = 1_024
  /// Upstream transfers at once in the regular and background lanes.
  package var slotsMax = 32
  /// Upstream transfers at once to one origin host, all lanes but express.
  package var hostSlotsMax = 32
  /// Extra slots that requests may take once they have waited `queueWaitMs`.
  package var extraSlotsMax = 32
  /// Longest a player's request waits in a lane without a response head, in milliseconds.
  package var queueWaitMs = 2_500
  /// Requests that may wait in one lane; more are answered 503.
  package var queueLengthMax = 2_048
  /// Express transfers at once; more wait first in, first out.
  package var expressMax = 64
  /// Directed reloads at once: origins hold them; more wait first in, first out.
  package var heldMax = 64
  /// A byte range shorter than this travels express, in bytes.
  package var expressRangeBytes = 1_024
  /// Time to connect to an origin, in milliseconds; later is 504.
  package var connectMs = 10_000
  /// Silence before an origin's response head, in milliseconds; longer is 504.
  package var headSilenceMs = 30_000
  /// Silence before the head of an answer to a directed reload, in milliseconds; longer is 504.
  package var heldSilenceMs = 60_000
  /// Silence inside a response body while the proxy is reading, in milliseconds; longer ends the flight.
  package var bodySilenceMs = 30_000
  /// Redirects followed for one request.
  package var redirectsMax = 5
  /// Times that one request's URL is signed anew by the library's caller.
  package var resignMax = 2
  /// Time for the library's caller to sign a URL anew, in milliseconds.
  package var resignMs = 10_000
  /// Largest origin response head, in bytes; larger is 502.
  package var originHeadBytesMax = 65_536
  /// How far a flight may run ahead of its furthest reader, in bytes.
  package var readAheadBytesMax = 16_777_216
  /// Received bytes of one flight that may wait in memory for the disk or a reader, in bytes.
  package var tailBytesMax = 2_097_152
  /// A request this far ahead of a flight opens its own flight, in bytes.
  package var seekBytesMin = 2_097_152
  /// A flight nobody reads is finished when at most this many bytes are left, in bytes.
  package var detachBytesMax = 4_194_304
  /// Times one response resumes after the origin's connection broke.
  package var resumeMax = 3
  /// Wait before the first resume, doubled for each next, in milliseconds.
  package var resumeBackoffMs = 250
  /// Largest playlist body (decoded), in bytes; larger is 502.
  package var playlistBytesMax = 8_388_608
  /// What a playlist's URIs may come to, with their variables' values and rewritten, in bytes; more is 502.
  package var urisBytesMax = 67_108_864
  /// Variables of one playlist; further ones count as undefined.
  package var variablesMax = 64
  /// Names and values of a playlist's variables, as they travel with its playlists' URLs, in bytes.
  package var variablesBytesMax = 8_192
  /// Largest asset list or steering manifest that is rewritten, in bytes; a larger one passes as it is.
  package var jsonBytesMax = 1_048_576
  /// Deepest nesting of one that is rewritten.
  package var jsonDepthMax = 32
  /// Size of one positional read, and of a write while more is to come, in bytes.
  package var readPieceBytes = 262_144
  /// Stored bytes that may stay in memory, to be sent again without a read, in bytes; 0: none.
  package var memoryBytesMax = 67_108_864
  /// Rewritten playlists that stay in memory, in bytes; 0: none.
  package var playlistMemoryBytesMax = 8_388_608
  /// Received bytes after which a flight's span is journalled though the flight goes on, in bytes.
  package var commitBytes = 524_288
  /// Rows in one index transaction.
  package var journalRowsMax = 100
  /// Time between two journal writes, in milliseconds.
  package var journalMs = 500
  /// Files kept open for reading.
  package var openFilesMax = 128
  /// Cached resources in the index.
  package var entriesMax = 200_000
  /// Variants stored of one resource.
  package var variantsMax = 16
  /// Eviction runs until the cache is at this share of its size, in percent.
  package var lowWaterPercent = 90
  /// Consecutive network failures after which an origin's breaker opens.
  package var breakerFailures = 3
  /// First pause of an open breaker, in milliseconds; doubled on each failed probe.
  package var breakerPauseMs = 1_000
  /// Longest pause of an open breaker, in milliseconds.
  package var breakerPauseMsMax = 30_000
  /// Origins whose breaker state is remembered.
  package var breakersMax = 1_024
  /// URLs remembered as initialization sections or keys, for the express lane.
  package var expressUrlsMax = 4_096
  /// How long after a multivariant playlist its player may begin with one of its playlists, in milliseconds.
  package var startAheadMs = 10_000
  /// Largest initialization section or segment that is fetched ahead, in bytes.
  package var startAheadBytesMax = 16_777_216
  /// Playlists remembered by the multivariant playlists that named them.
  package var startAheadUrlsMax = 4_096
  /// Parts that wait to be fetched in the background because players fetch them by themselves.
  package var laterMax = 1_024
  /// Of them, fetched at once.
  package var laterAtOnceMax = 2
  /// Playlists of one multivariant playlist that are looked up for what is stored; further ones count as not stored.
  package var surveyPlaylistsMax = 256
  /// How much of a variant's beginning must be stored for it to come first, in milliseconds; 0 is all of it.
  package var warmStartMs = 4_000
  /// Preloads at work at once, and ended ones that are remembered.
  package var preloadsMax = 64
  /// Requests of preloads at once.
  package var preloadTransfersMax = 4
  /// Segments of one playlist that are preloaded.
  package var preloadSegmentsMax = 4_096
  /// What is preloaded of a plain file by seconds or segments, in bytes.
  package var preloadFileBytes = 2_097_152
  /// Times in a row that a preload tries again what failed on the way.
  package var preloadTriesMax = 5
  /// Items of a feed that its window may hold.
  package var windowMax = 16

  package init() {}
}

/// The values in force unless an option says otherwise.
package let defaultLimits = Limits()

/// The limits by name, for options, playbooks and `parity`: Swift has no other way to set a field that a text names.
package nonisolated(unsafe) let limitFields: [(name: ByteString, field: WritableKeyPath<Limits, Int>)] = [
  ("targetBytesMax", \.targetBytesMax),
  ("requestHeadBytesMax", \.requestHeadBytesMax),
  ("requestHeadMs", \.requestHeadMs),
  ("keepAliveMs", \.keepAliveMs),
  ("connectionsMax", \.connectionsMax),
  ("slotsMax", \.slotsMax),
  ("hostSlotsMax", \.hostSlotsMax),
  ("extraSlotsMax", \.extraSlotsMax),
  ("queueWaitMs", \.queueWaitMs),
  ("queueLengthMax", \.queueLengthMax),
  ("expressMax", \.expressMax),
  ("heldMax", \.heldMax),
  ("expressRangeBytes", \.expressRangeBytes),
  ("connectMs", \.connectMs),
  ("headSilenceMs", \.headSilenceMs),
  ("heldSilenceMs", \.heldSilenceMs),
  ("bodySilenceMs", \.bodySilenceMs),
  ("redirectsMax", \.redirectsMax),
  ("resignMax", \.resignMax),
  ("resignMs", \.resignMs),
  ("originHeadBytesMax", \.originHeadBytesMax),
  ("readAheadBytesMax", \.readAheadBytesMax),
  ("tailBytesMax", \.tailBytesMax),
  ("seekBytesMin", \.seekBytesMin),
  ("detachBytesMax", \.detachBytesMax),
  ("resumeMax", \.resumeMax),
  ("resumeBackoffMs", \.resumeBackoffMs),
  ("playlistBytesMax", \.playlistBytesMax),
  ("urisBytesMax", \.urisBytesMax),
  ("variablesMax", \.variablesMax),
  ("variablesBytesMax", \.variablesBytesMax),
  ("jsonBytesMax", \.jsonBytesMax),
  ("jsonDepthMax", \.jsonDepthMax),
  ("readPieceBytes", \.readPieceBytes),
  ("memoryBytesMax", \.memoryBytesMax),
  ("playlistMemoryBytesMax", \.playlistMemoryBytesMax),
  ("commitBytes", \.commitBytes),
  ("journalRowsMax", \.journalRowsMax),
  ("journalMs", \.journalMs),
  ("openFilesMax", \.openFilesMax),
  ("entriesMax", \.entriesMax),
  ("variantsMax", \.variantsMax),
  ("lowWaterPercent", \.lowWaterPercent),
  ("breakerFailures", \.breakerFailures),
  ("breakerPauseMs", \.breakerPauseMs),
  ("breakerPauseMsMax", \.breakerPauseMsMax),
  ("breakersMax", \.breakersMax),
  ("expressUrlsMax", \.expressUrlsMax),
  ("startAheadMs", \.startAheadMs),
  ("startAheadBytesMax", \.startAheadBytesMax),
  ("startAheadUrlsMax", \.startAheadUrlsMax),
  ("laterMax", \.laterMax),
  ("laterAtOnceMax", \.laterAtOnceMax),
  ("surveyPlaylistsMax", \.surveyPlaylistsMax),
  ("warmStartMs", \.warmStartMs),
  ("preloadsMax", \.preloadsMax),
  ("preloadTransfersMax", \.preloadTransfersMax),
  ("preloadSegmentsMax", \.preloadSegmentsMax),
  ("preloadFileBytes", \.preloadFileBytes),
  ("preloadTriesMax", \.preloadTriesMax),
  ("windowMax", \.windowMax),
]
