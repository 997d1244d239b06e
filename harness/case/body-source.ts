/** Deterministic bodies: the same source gives the same bytes, at any offset, without holding what nobody asked for. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { BodySource } from "./case-types.ts";

/** The bytes of a source, as slices. */
export type Body = { bytes: number; slice: (from: number, to: number) => Buffer };

const mediaFolder = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "fixtures", "media");
const blockBytes = 65_536;

/** Opens a source; `expand` puts addresses in for the placeholders of a text. Throws when a media file is missing. */
export function openBody(source: BodySource, expand: (text: string) => string): Body {
  if (source.kind === "seeded") {
    const { seed, bytes } = source;
    return { bytes, slice: (from, to) => seededBytes(seed, from, Math.min(to, bytes)) };
  }
  const whole =
    source.kind === "text" ? Buffer.from(expand(source.text), "latin1") : readFileSync(mediaPath(source.path));
  return { bytes: whole.length, slice: (from, to) => whole.subarray(from, to) };
}

const wholes = new WeakMap<Body, Buffer>();

/** All bytes of a body; asked for again, the same buffer. */
export function wholeBody(body: Body): Buffer {
  const bytes = wholes.get(body) ?? body.slice(0, body.bytes);
  wholes.set(body, bytes);
  return bytes;
}

function mediaPath(path: string): string {
  const full = resolve(mediaFolder, path);
  if (!full.startsWith(mediaFolder + sep)) throw new Error(`media body outside fixtures/media: ${path}`);
  return full;
}

/** Bytes from..to of the endless body of a seed: xorshift32 restarted at each block, so that any offset is cheap. */
export function seededBytes(seed: number, from: number, to: number): Buffer {
  const length = Math.max(0, to - from);
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const block = Math.floor((from + done) / blockBytes);
    const begin = (from + done) % blockBytes;
    const count = Math.min(blockBytes - begin, length - done);
    bytes.set(seededBlock(seed, block).subarray(begin, begin + count), done);
    done += count;
  }
  return bytes;
}

const blocks = new Map<string, Buffer>();

function seededBlock(seed: number, block: number): Buffer {
  const key = `${seed}/${block}`;
  const known = blocks.get(key);
  if (known !== undefined) return known;
  const bytes = Buffer.allocUnsafe(blockBytes);
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(block + 1, 0x85ebca6b)) | 1;
  for (let at = 0; at < blockBytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, at);
  }
  if (blocks.size >= 256) blocks.clear();
  blocks.set(key, bytes);
  return bytes;
}
