/** The presentations that the demo origin serves, as the page and the CLI list them. */

/**
 * One presentation. `path` (with its query) is below the origin's address. `kind`: `vod` is complete HLS and the same at
 * every request; `event` grows for four seconds after its entry playlist was asked for; `live` slides for ever;
 * `progressive` is one file and no HLS.
 */
export type DemoSet = {
  name: string;
  title: string;
  path: string;
  note: string;
  kind: "vod" | "event" | "live" | "progressive";
};

/** The only query that `/signed/` accepts, byte for byte: a proxy that decodes and encodes it again breaks it. */
export const signedQuery = "Policy=a~b&Signature=x%2By%2F%3D&Key-Pair-Id=K1";

/** Length of every set in fixtures/media, in milliseconds: the period of the live playlists. */
export const setMs = 10_000;

/** All presentations, plain ones first. */
export function demoSets(): DemoSet[] {
  const row = (kind: DemoSet["kind"], name: string, title: string, path: string, note: string): DemoSet => {
    return { name, title, path, note, kind };
  };
  return [
    row("vod", "ts", "MPEG-TS", "/media/ts/index.m3u8", "Five segments of two seconds"),
    row("vod", "fmp4", "fMP4", "/media/fmp4/index.m3u8", "Media initialization section by EXT-X-MAP"),
    row(
      "vod",
      "byterange-ts",
      "Byte ranges, MPEG-TS",
      "/media/byterange-ts/index.m3u8",
      "Segments are ranges of one file",
    ),
    row(
      "vod",
      "byterange-fmp4",
      "Byte ranges, fMP4",
      "/media/byterange-fmp4/index.m3u8",
      "EXT-X-MAP is a range as well",
    ),
    row("vod", "aes", "AES-128", "/media/aes/index.m3u8", "Two keys, changed in the middle"),
    row(
      "vod",
      "multivariant",
      "Multivariant",
      "/media/multivariant/index.m3u8",
      "Three variants, two audio renditions, subtitles, I-frames",
    ),
    row("vod", "vertical", "Vertical", "/media/vertical/index.m3u8", "9:16, as in a feed"),
    row("progressive", "progressive", "Progressive MP4", "/media/progressive/movie.mp4", "The moov box is at the end"),
    row("live", "live", "Live", "/live/ts/index.m3u8", "A window of ten seconds that slides, with discontinuities"),
    row(
      "live",
      "live-multivariant",
      "Live, multivariant",
      "/live/multivariant/index.m3u8",
      "The same for all variants and renditions",
    ),
    row(
      "live",
      "low-latency",
      "Low latency",
      "/ll/low-latency/index.m3u8",
      "Parts of a third of a second, blocking reloads, deltas and preload hints",
    ),
    row("event", "event", "Event", "/event/fmp4/now.m3u8", "Grows for four seconds, then ends"),
    row(
      "vod",
      "signed",
      "Signed URLs",
      `/signed/multivariant/index.m3u8?${signedQuery}`,
      "403 unless the exact query arrives, on every resource",
    ),
    row("vod", "redirect", "Redirected", "/redirect/multivariant/index.m3u8", "Every request is answered 302"),
    row(
      "vod",
      "redirect-host",
      "Redirected to another host",
      "/redirect-host/fmp4/index.m3u8",
      "302 from 127.0.0.1 to localhost",
    ),
    row("vod", "gzip", "Gzip playlists", "/gzip/multivariant/index.m3u8", "Playlists come compressed when accepted"),
    row("vod", "chunked", "No Content-Length", "/chunked/ts/index.m3u8", "Every body has chunked transfer coding"),
    row("vod", "slow", "Slow origin", "/slow/ts/index.m3u8?rate=60000", "60 kB per second and connection"),
  ];
}
