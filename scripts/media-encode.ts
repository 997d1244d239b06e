/** How ffmpeg is called for the sets in fixtures/media: inputs, codecs, muxer, all reproducible. */
import { execFileSync } from "node:child_process";

/** Length of every set, in seconds. The demo origin's live playlists loop with this period. */
export const setSeconds = 10;
const segmentSeconds = 2;
export const framesPerSecond = 25;

/** How one picture is encoded: WxH, and the average bit rate of the video in kbit/s. */
export type Picture = { size: string; kilobits: number };

/** fMP4 segments with the media initialization section in `init.mp4`. */
export const fmp4Flags = ["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"];

/** Test picture with the set's name and the frame number; `title` must be plain letters. */
export function videoInput(title: string, size: string, rate = framesPerSecond): string[] {
  const text = (value: string, y: string): string =>
    `drawtext=font=DejaVu Sans Mono:fontsize=22:fontcolor=white:box=1:boxcolor=black:boxborderw=4:x=(w-tw)/2:y=${y}:text='${value}'`;
  const picture = `testsrc2=size=${size}:rate=${rate}:duration=${setSeconds}`;
  return ["-f", "lavfi", "-i", `${picture},${text(title, "h/2-th-6")},${text("%{frame_num}", "h/2+6")},format=yuv420p`];
}

/**
 * A tone of `hertz` with a higher beep each second. It ends a little before the picture: the encoder's priming would
 * otherwise leave a sixth segment of a few milliseconds.
 */
export function audioInput(hertz: number): string[] {
  return ["-f", "lavfi", "-i", `sine=frequency=${hertz}:beep_factor=4:sample_rate=48000:duration=${setSeconds - 0.05}`];
}

/** H.264 Main with one key frame (IDR) per segment, so that segments are independent and equally long. */
export function videoCodec(picture: Picture): string[] {
  const gop = String(segmentSeconds * framesPerSecond);
  return [
    ...["-c:v", "libx264", "-profile:v", "main", "-preset", "slow", "-refs", "3", "-threads", "1"],
    ...["-b:v", `${picture.kilobits}k`, "-maxrate", `${picture.kilobits}k`, "-bufsize", `${2 * picture.kilobits}k`],
    ...["-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "2"],
  ];
}

export const audioCodec = ["-c:a", "aac", "-b:a", "48k", "-ac", "1"];

/** The HLS muxer with everything in the playlist (VOD). */
export function hlsMuxer(hlsFlags: string): string[] {
  const flags = `+independent_segments${hlsFlags}`;
  return ["-f", "hls", "-hls_time", String(segmentSeconds), "-hls_playlist_type", "vod", "-hls_flags", flags];
}

/** Runs ffmpeg quietly and reproducibly; the last argument is the output. Throws when ffmpeg fails. */
export function ffmpeg(args: string[]): void {
  const output = args.at(-1) ?? "";
  const exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"];
  const all = [
    "-hide_banner",
    "-loglevel",
    "error",
    "-y",
    "-filter_threads",
    "1",
    ...args.slice(0, -1),
    ...exact,
    output,
  ];
  execFileSync("ffmpeg", all, { stdio: ["ignore", "inherit", "inherit"] });
}
