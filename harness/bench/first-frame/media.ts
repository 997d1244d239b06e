/** What `first-frame` plays: made by ffmpeg once for a run, so big that bandwidth matters and no codec can help it. */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

export type MediaSet = {
  name: string;
  folder: string;
  /** The playlist that players are given. */
  playlist: string;
};

export const mediaKinds = ["fmp4", "ts"] as const;
export type MediaKind = (typeof mediaKinds)[number];

const framesPerSecond = 25;
const setSeconds = 20;
const segmentSeconds = 2;
const kilobits = 3_000;

/** Makes the sets, one after the other. Rejects when ffmpeg fails or is not there. */
export async function makeMedia(kinds: readonly MediaKind[], top: string): Promise<MediaSet[]> {
  const sets: MediaSet[] = [];
  for (const kind of kinds) {
    const folder = join(top, kind);
    mkdirSync(folder, { recursive: true });
    await promisify(execFile)("ffmpeg", [...common, ...segmentWords(kind), "media.m3u8"], { cwd: folder });
    sets.push({ name: kind, folder, playlist: "index.m3u8" });
  }
  return sets;
}

/** Noise makes up the bit rate; a key frame begins each segment. */
const common = [
  ...["-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi"],
  "-i",
  `testsrc2=size=1920x1080:rate=${framesPerSecond}:duration=${setSeconds},noise=alls=12:allf=t,format=yuv420p`,
  ...["-f", "lavfi", "-i", `sine=frequency=440:sample_rate=48000:duration=${setSeconds - 0.05}`],
  ...["-c:v", "libx264", "-preset", "ultrafast", "-b:v", `${kilobits}k`, "-maxrate", `${kilobits}k`],
  ...["-bufsize", `${kilobits}k`, "-g", String(segmentSeconds * framesPerSecond), "-sc_threshold", "0"],
  ...["-c:a", "aac", "-b:a", "96k", "-f", "hls", "-hls_time", String(segmentSeconds), "-hls_playlist_type", "vod"],
  ...["-hls_flags", "+independent_segments", "-master_pl_name", "index.m3u8"],
];

function segmentWords(kind: MediaKind): string[] {
  if (kind === "ts") return ["-hls_segment_filename", "segment-%02d.ts"];
  const words = ["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"];
  return [...words, "-hls_segment_filename", "segment-%02d.m4s"];
}
