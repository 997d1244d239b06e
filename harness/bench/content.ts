/** What the bench's origin holds: content by path, the same in every process, so that nobody has to keep it. */

/** Longest body, in bytes. */
const bodyBytesMax = 8_000_000;

/** Paths begin at different places of the pattern, so that no two of them mixed up would pass. */
const shifts = 4_099;

let pattern: Buffer | null = null;

/** `/b/BYTES/NAME` holds so many bytes, `/p/SEGMENTS/NAME` a playlist; null for any other path. */
export function contentOf(path: string): Buffer | null {
  const [, kind = "", count = ""] = /^\/([bp])\/([0-9]+)\//.exec(path) ?? [];
  if (kind === "b") return bytesOf(path, Number(count));
  return kind === "p" ? playlistOf(Number(count)) : null;
}

export function typeOf(path: string): string {
  return path.endsWith(".m3u8") ? "application/vnd.apple.mpegurl" : "video/mp2t";
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
