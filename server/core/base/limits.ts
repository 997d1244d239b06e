/**
 * Every bound of the proxy, in one place, units last in the name (SPEC: R-LIMIT-1).
 *
 * A limit is a plain number in a plain record, so that a test, an option or a playbook can lower any of them and the
 * Swift twin carries the same names and values.
 */
export type Limits = {
  /** Longest request target accepted, in bytes; longer is 414. */
  targetBytesMax: number;
  /** Longest request head accepted, in bytes; longer is 431. */
  requestHeadBytesMax: number;
  /** Time a player has to complete a request head, in milliseconds; later is 408. */
  requestHeadMs: number;
  /** Idle time after which a kept-alive player connection is closed, in milliseconds. */
  keepAliveMs: number;
  /** Player connections open at once. */
  connectionsMax: number;
  /** Upstream transfers at once in the regular and background lanes. */
  slotsMax: number;
  /** Upstream transfers at once to one origin host, all lanes but express. */
  hostSlotsMax: number;
  /** Extra slots that requests may take once they have waited `queueWaitMs`. */
  extraSlotsMax: number;
  /** Longest a player's request waits in a lane without a response head, in milliseconds. */
  queueWaitMs: number;
  /** Requests that may wait in one lane; more are answered 503. */
  queueLengthMax: number;
  /** Express transfers at once; more wait first in, first out. */
  expressMax: number;
  /** Directed reloads at once: origins hold them; more wait first in, first out. */
  heldMax: number;
  /** A byte range shorter than this travels express, in bytes. */
  expressRangeBytes: number;
  /** Time to connect to an origin, in milliseconds; later is 504. */
  connectMs: number;
  /** Silence before an origin's response head, in milliseconds; longer is 504. */
  headSilenceMs: number;
  /** Silence before the head of an answer to a directed reload, in milliseconds; longer is 504. */
  heldSilenceMs: number;
  /** Silence inside a response body while the proxy is reading, in milliseconds; longer ends the flight. */
  bodySilenceMs: number;
  /** Redirects followed for one request. */
  redirectsMax: number;
  /** Times that one request's URL is signed anew by the library's caller. */
  resignMax: number;
  /** Time for the library's caller to sign a URL anew, in milliseconds. */
  resignMs: number;
  /** Largest origin response head, in bytes; larger is 502. */
  originHeadBytesMax: number;
  /** How far a flight may run ahead of its furthest reader, in bytes. */
  readAheadBytesMax: number;
  /** Received bytes of one flight that may wait in memory for the disk or a reader, in bytes. */
  tailBytesMax: number;
  /** A request this far ahead of a flight opens its own flight, in bytes. */
  seekBytesMin: number;
  /** A flight nobody reads is finished when at most this many bytes are left, in bytes. */
  detachBytesMax: number;
  /** Times one response resumes after the origin's connection broke. */
  resumeMax: number;
  /** Wait before the first resume, doubled for each next, in milliseconds. */
  resumeBackoffMs: number;
  /** Largest playlist body (decoded), in bytes; larger is 502. */
  playlistBytesMax: number;
  /** What a playlist's URIs may come to, with their variables' values and rewritten, in bytes; more is 502. */
  urisBytesMax: number;
  /** Variables of one playlist; further ones count as undefined. */
  variablesMax: number;
  /** Names and values of a playlist's variables, as they travel with its playlists' URLs, in bytes. */
  variablesBytesMax: number;
  /** Largest asset list or steering manifest that is rewritten, in bytes; a larger one passes as it is. */
  jsonBytesMax: number;
  /** Deepest nesting of one that is rewritten. */
  jsonDepthMax: number;
  /** Size of one positional read, and of a write while more is to come, in bytes. */
  readPieceBytes: number;
  /** Stored bytes that may stay in memory, to be sent again without a read, in bytes; 0: none. */
  memoryBytesMax: number;
  /** Rewritten playlists that stay in memory, in bytes; 0: none. */
  playlistMemoryBytesMax: number;
  /** Received bytes after which a flight's span is journalled though the flight goes on, in bytes. */
  commitBytes: number;
  /** Rows in one index transaction. */
  journalRowsMax: number;
  /** Time between two journal writes, in milliseconds. */
  journalMs: number;
  /** Files kept open for reading. */
  openFilesMax: number;
  /** Cached resources in the index. */
  entriesMax: number;
  /** Variants stored of one resource. */
  variantsMax: number;
  /** Eviction runs until the cache is at this share of its size, in percent. */
  lowWaterPercent: number;
  /** Consecutive network failures after which an origin's breaker opens. */
  breakerFailures: number;
  /** First pause of an open breaker, in milliseconds; doubled on each failed probe. */
  breakerPauseMs: number;
  /** Longest pause of an open breaker, in milliseconds. */
  breakerPauseMsMax: number;
  /** Origins whose breaker state is remembered. */
  breakersMax: number;
  /** URLs remembered as initialization sections or keys, for the express lane. */
  expressUrlsMax: number;
  /** How long after a multivariant playlist its player may begin with one of its playlists, in milliseconds. */
  startAheadMs: number;
  /** Largest initialization section or segment that is fetched ahead, in bytes. */
  startAheadBytesMax: number;
  /** Playlists remembered by the multivariant playlists that named them. */
  startAheadUrlsMax: number;
  /** Parts that wait to be fetched in the background because players fetch them by themselves. */
  laterMax: number;
  /** Of them, fetched at once. */
  laterAtOnceMax: number;
  /** Playlists of one multivariant playlist that are looked up for what is stored; further ones count as not stored. */
  surveyPlaylistsMax: number;
  /** How much of a variant's beginning must be stored for it to come first, in milliseconds; 0 is all of it. */
  warmStartMs: number;
  /** Preloads at work at once, and ended ones that are remembered. */
  preloadsMax: number;
  /** Requests of preloads at once. */
  preloadTransfersMax: number;
  /** Segments of one playlist that are preloaded. */
  preloadSegmentsMax: number;
  /** What is preloaded of a plain file by seconds or segments, in bytes. */
  preloadFileBytes: number;
  /** Times in a row that a preload tries again what failed on the way. */
  preloadTriesMax: number;
  /** Items of a feed that its window may hold. */
  windowMax: number;
};

/** The values in force unless an option says otherwise. */
export const defaultLimits: Limits = {
  targetBytesMax: 16_384,
  requestHeadBytesMax: 65_536,
  requestHeadMs: 10_000,
  keepAliveMs: 30_000,
  connectionsMax: 1_024,
  slotsMax: 32,
  hostSlotsMax: 32,
  extraSlotsMax: 32,
  queueWaitMs: 2_500,
  queueLengthMax: 2_048,
  expressMax: 64,
  heldMax: 64,
  expressRangeBytes: 1_024,
  connectMs: 10_000,
  headSilenceMs: 30_000,
  heldSilenceMs: 60_000,
  bodySilenceMs: 30_000,
  redirectsMax: 5,
  resignMax: 2,
  resignMs: 10_000,
  originHeadBytesMax: 65_536,
  readAheadBytesMax: 16_777_216,
  tailBytesMax: 2_097_152,
  seekBytesMin: 2_097_152,
  detachBytesMax: 4_194_304,
  resumeMax: 3,
  resumeBackoffMs: 250,
  playlistBytesMax: 8_388_608,
  urisBytesMax: 67_108_864,
  variablesMax: 64,
  variablesBytesMax: 8_192,
  jsonBytesMax: 1_048_576,
  jsonDepthMax: 32,
  readPieceBytes: 262_144,
  memoryBytesMax: 67_108_864,
  playlistMemoryBytesMax: 8_388_608,
  commitBytes: 524_288,
  journalRowsMax: 100,
  journalMs: 500,
  openFilesMax: 128,
  entriesMax: 200_000,
  variantsMax: 16,
  lowWaterPercent: 90,
  breakerFailures: 3,
  breakerPauseMs: 1_000,
  breakerPauseMsMax: 30_000,
  breakersMax: 1_024,
  expressUrlsMax: 4_096,
  startAheadMs: 10_000,
  startAheadBytesMax: 16_777_216,
  startAheadUrlsMax: 4_096,
  laterMax: 1_024,
  laterAtOnceMax: 2,
  surveyPlaylistsMax: 256,
  warmStartMs: 4_000,
  preloadsMax: 64,
  preloadTransfersMax: 4,
  preloadSegmentsMax: 4_096,
  preloadFileBytes: 2_097_152,
  preloadTriesMax: 5,
  windowMax: 16,
};
