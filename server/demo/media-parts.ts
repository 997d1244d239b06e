/** Where the parts of an fMP4 segment lie: each ends with a media data box, so that it can be decoded after those before. */

/** Offsets in the segment; `end` is exclusive. */
export type MediaPart = { start: number; end: number };

/** The parts of a segment, in order; what follows the last media data box belongs to the last one. */
export function mediaParts(segment: Buffer): MediaPart[] {
  const parts: MediaPart[] = [];
  let start = 0;
  for (let at = 0; at + 8 <= segment.length; ) {
    const bytes = segment.readUInt32BE(at);
    if (bytes < 8) throw new Error(`no box begins at byte ${at}`);
    const isData = segment.toString("latin1", at + 4, at + 8) === "mdat";
    at += bytes;
    if (isData) {
      parts.push({ start, end: at });
      start = at;
    }
  }
  const last = parts.at(-1);
  if (last !== undefined) last.end = segment.length;
  return parts;
}
