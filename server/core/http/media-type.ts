import { lowerAscii, trimOws } from "../base/bytes.ts";
import { parseUri } from "./uri-reference.ts";

/** One row of the extension table: the path extension in lower case, and the type it stands for. */
export type ExtensionRow = { extension: string; type: string };

/** The one extension table. Fragmented MP4 goes by video/mp4 or audio/mp4, which every player knows. */
// R-TYPE-1
export const extensionTable: ExtensionRow[] = [
  { extension: "m3u8", type: "application/vnd.apple.mpegurl" },
  { extension: "m3u", type: "audio/mpegurl" },
  { extension: "ts", type: "video/mp2t" },
  { extension: "m2ts", type: "video/mp2t" },
  { extension: "m4s", type: "video/mp4" },
  { extension: "mp4", type: "video/mp4" },
  { extension: "m4v", type: "video/mp4" },
  { extension: "cmfv", type: "video/mp4" },
  { extension: "m4a", type: "audio/mp4" },
  { extension: "cmfa", type: "audio/mp4" },
  { extension: "m4f", type: "video/mp4" },
  { extension: "cmft", type: "application/mp4" },
  { extension: "mov", type: "video/quicktime" },
  { extension: "webm", type: "video/webm" },
  { extension: "aac", type: "audio/aac" },
  { extension: "ac3", type: "audio/ac3" },
  { extension: "ec3", type: "audio/eac3" },
  { extension: "eac3", type: "audio/eac3" },
  { extension: "mp3", type: "audio/mpeg" },
  { extension: "flac", type: "audio/flac" },
  { extension: "opus", type: "audio/ogg" },
  { extension: "wav", type: "audio/wav" },
  { extension: "vtt", type: "text/vtt" },
  { extension: "webvtt", type: "text/vtt" },
  { extension: "key", type: "application/octet-stream" },
  { extension: "jpg", type: "image/jpeg" },
  { extension: "jpeg", type: "image/jpeg" },
  { extension: "png", type: "image/png" },
  { extension: "gif", type: "image/gif" },
  { extension: "webp", type: "image/webp" },
  { extension: "json", type: "application/json" },
];

const playlistTypes = ["application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"];

/** Types that say nothing; what a server writes when it does not know. */
const genericTypes = [
  "",
  "application/octet-stream",
  "binary/octet-stream",
  "application/x-octet-stream",
  "text/plain",
];

/** The extension of the URL's path in lower case, without its dot; "" when the last segment has none. */
export function pathExtension(url: string): string {
  const path = parseUri(url).path;
  const segment = path.slice(path.lastIndexOf("/") + 1);
  const dot = segment.lastIndexOf(".");
  // R-TYPE-2
  return dot < 0 ? "" : lowerAscii(segment.slice(dot + 1));
}

/** The Content-Type a player is told: the origin's when it says something, else by the extension of the URL's path. */
export function contentTypeFor(originType: string | null, url: string): string {
  const origin = originType === null ? "" : trimOws(originType);
  // R-TYPE-3
  if (!holds(genericTypes, essence(origin))) {
    return origin;
  }
  const extension = pathExtension(url);
  for (const row of extensionTable) {
    // R-TYPE-4
    if (row.extension === extension) {
      return row.type;
    }
  }
  // R-TYPE-5
  return origin.length > 0 ? origin : "application/octet-stream";
}

/** True for one of the four types of a playlist, case and parameters aside. */
export function isPlaylistType(type: string | null): boolean {
  // R-TYPE-6
  return type !== null && holds(playlistTypes, essence(type));
}

/** True when the URL's path ends in .m3u8 or .m3u; its query is never looked at. */
export function isPlaylistUrl(url: string): boolean {
  const extension = pathExtension(url);
  // R-TYPE-7
  return extension === "m3u8" || extension === "m3u";
}

/** "type/subtype" in lower case, parameters cut (RFC 9110 section 8.3.1). */
function essence(type: string): string {
  const semicolon = type.indexOf(";");
  return lowerAscii(trimOws(semicolon < 0 ? type : type.slice(0, semicolon)));
}

function holds(words: string[], word: string): boolean {
  for (const one of words) {
    if (one === word) {
      return true;
    }
  }
  return false;
}
