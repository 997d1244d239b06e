/**
 * The multivariant set: three variant streams and two audio renditions (all fMP4), WebVTT subtitles in segments, and
 * an I-frame playlist. BANDWIDTH and CODECS are computed from the files, so that the multivariant playlist tells no lie.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Picture } from "./media-encode.ts";
import {
  audioCodec,
  audioInput,
  ffmpeg,
  fmp4Flags,
  framesPerSecond,
  hlsMuxer,
  setSeconds,
  videoCodec,
  videoInput,
} from "./media-encode.ts";

const smallest = { name: "v180", size: "320x180", kilobits: 120 };
const variants: (Picture & { name: string })[] = [
  smallest,
  { name: "v270", size: "480x270", kilobits: 240 },
  { name: "v360", size: "640x360", kilobits: 400 },
];
const renditions = [
  { name: "en", title: "English", hertz: 440, isDefault: "YES" },
  { name: "de", title: "Deutsch", hertz: 330, isDefault: "NO" },
];

/** Makes the whole set below `dir`, entry playlist `index.m3u8`. */
export function makeMultivariant(dir: string): void {
  for (const variant of variants) {
    const input = [...videoInput(`multivariant ${variant.size}`, variant.size), "-map", "0:v", ...videoCodec(variant)];
    makePlaylist(join(dir, variant.name), input);
  }
  for (const rendition of renditions) {
    makePlaylist(join(dir, "audio", rendition.name), [...audioInput(rendition.hertz), "-map", "0:a", ...audioCodec]);
  }
  makeSubtitles(join(dir, "subtitles", "en"));
  const iFrameRate = makeIFrames(join(dir, "iframes"), smallest);
  writeFileSync(join(dir, "index.m3u8"), multivariantPlaylist(dir, iFrameRate));
}

function makePlaylist(dir: string, input: string[]): void {
  mkdirSync(dir, { recursive: true });
  const segments = ["-hls_segment_filename", join(dir, "seg%d.m4s")];
  ffmpeg([...input, ...hlsMuxer(""), ...fmp4Flags, ...segments, join(dir, "index.m3u8")]);
}

/** Five WebVTT segments with one cue a second, times mapped to the media's zero (RFC 8216 section 3.5). */
function makeSubtitles(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", "#EXT-X-PLAYLIST-TYPE:VOD"];
  for (let start = 0; start < setSeconds; start += 2) {
    const cues = [start, start + 1].map((second) => {
      const at = String(second).padStart(2, "0");
      return `00:00:${at}.000 --> 00:00:${at}.900\nSecond ${second}\n`;
    });
    const head = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n";
    writeFileSync(join(dir, `seg${start / 2}.vtt`), [head, ...cues].join("\n"));
    lines.push("#EXTINF:2.000000,", `seg${start / 2}.vtt`);
  }
  writeFileSync(join(dir, "index.m3u8"), `${[...lines, "#EXT-X-ENDLIST"].join("\n")}\n`);
}

/**
 * A dedicated I-frame stream (RFC 8216 section 4.3.3.6): one key frame a second, each a whole fragment of one file, so
 * that a byte range holds exactly one decodable picture. Returns the peak bit rate, in bit/s.
 */
function makeIFrames(dir: string, picture: Picture): number {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, "index.m3u8");
  const frames = ["-vf", "fps=1", ...videoCodec(picture), "-g", "1", "-bf", "0"];
  const muxer = [...hlsMuxer("+single_file"), "-hls_time", "1", ...fmp4Flags];
  const input = videoInput("I-frames", picture.size);
  ffmpeg([...input, "-map", "0:v", ...frames, ...muxer, "-hls_segment_filename", join(dir, "iframes.mp4"), path]);
  const lines: string[] = [];
  let seconds = 1;
  let peak = 0;
  for (const line of readFileSync(path, "latin1").split("\n")) {
    if (line === "#EXT-X-INDEPENDENT-SEGMENTS") lines.push("#EXT-X-I-FRAMES-ONLY");
    else lines.push(line);
    if (line.startsWith("#EXTINF:")) seconds = Number(line.slice(8, line.indexOf(",")));
    if (line.startsWith("#EXT-X-BYTERANGE:")) {
      peak = Math.max(peak, Math.ceil((Number(line.slice(17, line.indexOf("@"))) * 8) / seconds));
    }
  }
  writeFileSync(path, lines.join("\n"));
  return peak;
}

function multivariantPlaylist(dir: string, iFrameRate: number): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"];
  for (const { name, title, isDefault } of renditions) {
    const media = `TYPE=AUDIO,GROUP-ID="audio",NAME="${title}",LANGUAGE="${name}",DEFAULT=${isDefault},AUTOSELECT=YES`;
    lines.push(`#EXT-X-MEDIA:${media},CHANNELS="1",URI="audio/${name}/index.m3u8"`);
  }
  const subtitles = `TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO`;
  lines.push(`#EXT-X-MEDIA:${subtitles},URI="subtitles/en/index.m3u8"`);
  const audio = renditions.map(({ name }) => bitRates(join(dir, "audio", name)));
  const audioPeak = Math.max(...audio.map((rates) => rates.peak));
  const audioAverage = Math.max(...audio.map((rates) => rates.average));
  for (const { name, size } of variants) {
    const rates = bitRates(join(dir, name));
    const bandwidth = `BANDWIDTH=${rates.peak + audioPeak},AVERAGE-BANDWIDTH=${rates.average + audioAverage}`;
    const codecs = `CODECS="${avcCodec(join(dir, name, "init.mp4"))},mp4a.40.2",RESOLUTION=${size}`;
    const frames = `FRAME-RATE=${framesPerSecond}.000,AUDIO="audio",SUBTITLES="subtitles",CLOSED-CAPTIONS=NONE`;
    lines.push(`#EXT-X-STREAM-INF:${bandwidth},${codecs},${frames}`, `${name}/index.m3u8`);
  }
  const codec = `CODECS="${avcCodec(join(dir, "iframes", "iframes.mp4"))}",RESOLUTION=${smallest.size}`;
  lines.push(`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=${iFrameRate},${codec},URI="iframes/index.m3u8"`);
  return `${lines.join("\n")}\n`;
}

/** The RFC 6381 codec string of a video init section, from its `avcC` box (profile, constraints, level). */
function avcCodec(path: string): string {
  const init = readFileSync(path);
  const at = init.indexOf("avcC");
  if (at < 0) throw new Error(`${path}: no avcC box`);
  return `avc1.${init.subarray(at + 5, at + 8).toString("hex")}`;
}

/** Peak (largest segment) and average bit rate of a media playlist, in bit/s, rounded up. */
function bitRates(dir: string): { peak: number; average: number } {
  let bits = 0;
  let seconds = 0;
  let peak = 0;
  for (const { uri, duration } of parsePlaylist(dir)) {
    const segmentBits = statSync(join(dir, uri)).size * 8;
    peak = Math.max(peak, Math.ceil(segmentBits / Number(duration)));
    bits += segmentBits;
    seconds += Number(duration);
  }
  return { peak, average: Math.ceil(bits / seconds) };
}

/** Segment lines of a media playlist that ffmpeg wrote, each with its EXTINF text. */
function parsePlaylist(dir: string): { uri: string; duration: string }[] {
  const segments: { uri: string; duration: string }[] = [];
  let duration = "";
  for (const line of readFileSync(join(dir, "index.m3u8"), "latin1").split("\n")) {
    if (line.startsWith("#EXTINF:")) duration = line.slice(8, line.indexOf(","));
    else if (line !== "" && !line.startsWith("#")) segments.push({ uri: line, duration });
  }
  return segments;
}
