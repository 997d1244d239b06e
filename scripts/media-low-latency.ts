/**
 * The low-latency set: two variant streams with their audio inside, whose segments are made of fragments of a third of
 * a second, so that each is a partial segment (rfc8216bis section 4.4.4.9).
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mediaParts } from "../server/demo/media-parts.ts";
import type { Picture } from "./media-encode.ts";
import { audioCodec, audioInput, ffmpeg, setSeconds, videoCodec, videoInput } from "./media-encode.ts";

/** A third of a second is ten frames, which no whole number of the other sets' is. */
const framesPerSecond = 30;
const segmentSeconds = 2;
const partsPerSegment = 6;
/** A little less than a part, so that rounding cuts no frame later. */
const partMicroseconds = 333_000;

const variants: (Picture & { name: string })[] = [
  { name: "low", size: "240x136", kilobits: 60 },
  { name: "high", size: "320x180", kilobits: 120 },
];

/** Makes the whole set below `dir`, entry playlist `index.m3u8`. */
export function makeLowLatency(dir: string): void {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"];
  for (const variant of variants) {
    const path = join(dir, variant.name);
    mkdirSync(path, { recursive: true });
    const movie = join(path, "movie.mp4");
    const gop = String(framesPerSecond * segmentSeconds);
    ffmpeg([
      ...videoInput(`low latency ${variant.name}`, variant.size, framesPerSecond),
      ...audioInput(440),
      ...[
        "-map",
        "0:v",
        "-map",
        "1:a",
        ...videoCodec(variant),
        "-g",
        gop,
        "-keyint_min",
        gop,
        "-bf",
        "0",
        ...audioCodec,
      ],
      ...["-movflags", "+empty_moov+default_base_moof", "-frag_duration", String(partMicroseconds), movie],
    ]);
    lines.push(`#EXT-X-STREAM-INF:${cutMovie(path, readFileSync(movie))},RESOLUTION=${variant.size}`);
    lines.push(`${variant.name}/index.m3u8`);
    rmSync(movie);
  }
  writeFileSync(join(dir, "index.m3u8"), `${lines.join("\n")}\n`);
}

/** Cuts a fragmented movie into its initialization section and segments; returns BANDWIDTH and CODECS. */
function cutMovie(path: string, movie: Buffer): string {
  const initEnd = movie.indexOf("moof") - 4;
  const init = movie.subarray(0, initEnd);
  const media = movie.subarray(initEnd, movie.indexOf("mfra") - 4);
  writeFileSync(join(path, "init.mp4"), init);
  const parts = mediaParts(media);
  if (parts.length !== (setSeconds / segmentSeconds) * partsPerSegment) throw new Error(`${parts.length} parts`);
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", `#EXT-X-TARGETDURATION:${segmentSeconds}`, "#EXT-X-MEDIA-SEQUENCE:0"];
  lines.push("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS", '#EXT-X-MAP:URI="init.mp4"');
  let peak = 0;
  for (let at = 0; at < parts.length; at += partsPerSegment) {
    const name = `seg${at / partsPerSegment}.m4s`;
    const segment = media.subarray(parts[at]?.start ?? 0, parts[at + partsPerSegment - 1]?.end ?? 0);
    writeFileSync(join(path, name), segment);
    lines.push(`#EXTINF:${segmentSeconds.toFixed(6)},`, name);
    peak = Math.max(peak, (segment.length * 8) / segmentSeconds);
  }
  writeFileSync(join(path, "index.m3u8"), `${[...lines, "#EXT-X-ENDLIST"].join("\n")}\n`);
  const codec = init.indexOf("avcC") + 5;
  const profile = init.subarray(codec, codec + 3).toString("hex");
  return `BANDWIDTH=${Math.ceil(peak)},CODECS="avc1.${profile},mp4a.40.2"`;
}
