/** What the bench's origin holds: content by path, the same in every process, so that nobody has to keep it. */

/** Longest body, in bytes. */
const bodyBytesMax = 8_000_000;

/** Paths begin at different places of the pattern, so that no two of them mixed up would pass. */
const shifts = 4_099;

let pattern: Buffer | null = null;

/**
 * `/b/BYTES/NAME` holds so many bytes, `/p/SEGMENTS/NAME` a finished playlist. `/s/NAME/` is a presentation:
 * `multivariant.m3u8`, `variant.m3u8`, `init.mp4`, segments of 2 MB and short ones of 200 KB. A link's words before it change nothing but the
 * bytes. Null for any other path.
 */
export function contentOf(path: string): Buffer | null {
  const [, kind = "", word = "", file = ""] =
    /^(?:\/link(?:\/[0-9]+){4})?\/([bps])\/([a-z0-9-]+)\/(.*)$/.exec(path) ?? [];
  if (kind === "b") return bytesOf(path, Number(word));
  if (kind === "p") return playlistOf(Number(word));
  return kind === "s" ? presentationOf(path, file) : null;
}

export function typeOf(path: string): string {
  if (path.endsWith(".m3u8")) return "application/vnd.apple.mpegurl";
  return path.endsWith(".ts") ? "video/mp2t" : "video/mp4";
}

/** A playlist of five segments of two seconds that goes on with the time, in milliseconds. */
export function livePlaylist(now: number): Buffer {
  const first = Math.floor(now / 2_000) % 1_000_000;
  const lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", `#EXT-X-MEDIA-SEQUENCE:${first}`];
  for (let at = first; at < first + 5; at += 1) lines.push("#EXTINF:2.00000,", `/b/200000/live-${at}.ts`);
  return Buffer.from(`${lines.join("\n")}\n`, "latin1");
}

function presentationOf(path: string, file: string): Buffer | null {
  if (file === "multivariant.m3u8") {
    const variant = "#EXT-X-STREAM-INF:BANDWIDTH=2800000,RESOLUTION=720x1280";
    return Buffer.from(`#EXTM3U\n#EXT-X-VERSION:7\n${variant}\nvariant.m3u8\n`, "latin1");
  }
  if (file === "init.mp4") return bytesOf(path, 1_200);
  if (/^segment-[0-9]+\.m4s$/.test(file)) return bytesOf(path, 2_000_000);
  if (/^short-[0-9]+\.m4s$/.test(file)) return bytesOf(path, 200_000);
  if (file !== "variant.m3u8") return null;
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:6", "#EXT-X-PLAYLIST-TYPE:VOD"];
  lines.push('#EXT-X-MAP:URI="init.mp4"');
  for (let at = 0; at < 10; at += 1) lines.push("#EXTINF:6.00000,", `segment-${at}.m4s`);
  return Buffer.from(`${lines.join("\n")}\n#EXT-X-ENDLIST\n`, "latin1");
}

function bytesOf(path: string, bytes: number): Buffer | null {
  if (bytes > bodyBytesMax) return null;
  pattern ??= makePattern();
  let shift = 0;
  for (let at = 0; at < path.length; at += 1) shift = (shift * 31 + path.charCodeAt(at)) % shifts;
  return pattern.subarray(shift, shift + bytes);
}

/** xorshift32: no compression and no repeating block helps anybody. */
function makePattern(): Buffer {
  const words = new Uint32Array((bodyBytesMax + shifts) / 4 + 1);
  let state = 0x9e3779b9 | 0;
  for (let at = 0; at < words.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return Buffer.from(words.buffer);
}

/** A finished playlist, with the names that packagers give. */
function playlistOf(segments: number): Buffer {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-TARGETDURATION:6", "#EXT-X-MEDIA-SEQUENCE:0"];
  lines.push("#EXT-X-PLAYLIST-TYPE:VOD");
  for (let at = 0; at < segments; at += 1) lines.push("#EXTINF:6.00600,", `segment-${String(at).padStart(5, "0")}.ts`);
  return Buffer.from(`${lines.join("\n")}\n#EXT-X-ENDLIST\n`, "latin1");
}
