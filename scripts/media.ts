/**
 * Makes the small real HLS presentations in fixtures/media (needs ffmpeg and ffprobe with libx264).
 *
 *   node scripts/media.ts [set…]        all sets, or the named ones
 *
 * Every set is cut from the same ten seconds: a test picture with the set's name and a frame counter burnt in, and a
 * beep each second. Flags keep the output free of dates, versions and thread timing, so a second run with the same
 * ffmpeg makes the same bytes. The outputs are committed; nothing else in the project needs this script.
 */
import { createCipheriv, createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Picture } from "./media-encode.ts";
import { audioCodec, audioInput, ffmpeg, fmp4Flags, hlsMuxer, videoCodec, videoInput } from "./media-encode.ts";
import { makeLowLatency } from "./media-low-latency.ts";
import { makeMultivariant } from "./media-multivariant.ts";

const mediaDir = fileURLToPath(new URL("../fixtures/media", import.meta.url));

const makers: Record<string, (dir: string) => void> = {
  ts: (dir) => makeHls(dir, "ts", ["-hls_segment_filename", join(dir, "seg%d.ts")]),
  fmp4: (dir) => makeHls(dir, "fmp4", [...fmp4Flags, "-hls_segment_filename", join(dir, "seg%d.m4s")]),
  "byterange-ts": (dir) =>
    makeHls(dir, "byterange-ts", ["-hls_segment_filename", join(dir, "media.ts")], "+single_file"),
  "byterange-fmp4": (dir) =>
    makeHls(dir, "byterange-fmp4", [...fmp4Flags, "-hls_segment_filename", join(dir, "media.mp4")], "+single_file"),
  aes: makeAes,
  multivariant: makeMultivariant,
  vertical: (dir) =>
    makeHls(dir, "vertical", ["-hls_segment_filename", join(dir, "seg%d.ts")], "", { size: "180x320" }),
  progressive: makeProgressive,
  "low-latency": makeLowLatency,
};

/** Makes the named sets (all when none is named) and prints the size of each. */
function main(names: string[]): void {
  let total = 0;
  for (const name of Object.keys(makers)) {
    const dir = join(mediaDir, name);
    if (names.length === 0 || names.includes(name)) {
      rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir, { recursive: true });
      makers[name]?.(dir);
    }
    const bytes = directoryBytes(dir);
    total += bytes;
    console.log(`${name.padEnd(16)} ${String(bytes).padStart(9)} bytes`);
  }
  console.log(`${"together".padEnd(16)} ${String(total).padStart(9)} bytes`);
}

const smallPicture: Picture = { size: "320x180", kilobits: 180 };

/** One muxed HLS presentation (video and audio together) with `index.m3u8`. */
function makeHls(dir: string, title: string, flags: string[], hlsFlags = "", picture: Partial<Picture> = {}): void {
  const wanted = { ...smallPicture, ...picture };
  ffmpeg([
    ...videoInput(title, wanted.size),
    ...audioInput(440),
    ...["-map", "0:v", "-map", "1:a", ...videoCodec(wanted), ...audioCodec],
    ...hlsMuxer(hlsFlags),
    ...flags,
    join(dir, "index.m3u8"),
  ]);
}

/** AES-128 with whole-segment CBC (RFC 8216 section 5.2): two keys, rotated in the middle, each with its own IV. */
function makeAes(dir: string): void {
  const clear = join(tmpdir(), `reelcache-aes-${process.pid}`);
  mkdirSync(clear, { recursive: true });
  makeHls(clear, "aes", ["-hls_segment_filename", join(clear, "seg%d.ts")]);
  const keys = [1, 2].map((n) => ({
    name: `key${n}.key`,
    key: createHash("sha256").update(`reelcache demo key ${n}`).digest().subarray(0, 16),
    iv: createHash("sha256").update(`reelcache demo iv ${n}`).digest().subarray(0, 16),
  }));
  for (const { name, key } of keys) writeFileSync(join(dir, name), key);
  let segment = 0;
  let keyInForce = -1;
  const lines: string[] = [];
  for (const line of readFileSync(join(clear, "index.m3u8"), "latin1").split("\n")) {
    const wanted = segment < 3 ? 0 : 1;
    const row = keys[wanted];
    if (line.startsWith("#EXTINF") && wanted !== keyInForce && row) {
      lines.push(`#EXT-X-KEY:METHOD=AES-128,URI="${row.name}",IV=0x${row.iv.toString("hex")}`);
      keyInForce = wanted;
    }
    if (line !== "" && !line.startsWith("#") && row) {
      const cipher = createCipheriv("aes-128-cbc", row.key, row.iv);
      writeFileSync(join(dir, line), Buffer.concat([cipher.update(readFileSync(join(clear, line))), cipher.final()]));
      segment += 1;
    }
    lines.push(line);
  }
  writeFileSync(join(dir, "index.m3u8"), lines.join("\n"));
  rmSync(clear, { recursive: true });
}

/** One MP4 whose `moov` stands at the end, so that a player must seek before it can start. */
function makeProgressive(dir: string): void {
  ffmpeg([
    ...videoInput("progressive", smallPicture.size),
    ...audioInput(440),
    ...["-map", "0:v", "-map", "1:a", ...videoCodec(smallPicture), ...audioCodec],
    join(dir, "movie.mp4"),
  ]);
}

/** Bytes of all files below a directory. */
function directoryBytes(dir: string): number {
  let bytes = 0;
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    const stat = statSync(join(dir, name));
    if (stat.isFile()) bytes += stat.size;
  }
  return bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
