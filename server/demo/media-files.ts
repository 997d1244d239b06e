/** Files of the media folder, read whole and kept while they do not change (they are small). */
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** `extension` with its dot, lower case; `etag` strong, from the content. */
export type MediaFile = { body: Buffer; extension: string; etag: string; lastModified: string; mtimeMs: number };

const kept = new Map<string, MediaFile>();

/** The file below `mediaDir` at a URL path such as `/ts/seg0.ts`; null when there is none or the path is no plain one. */
export function readMediaFile(mediaDir: string, urlPath: string): MediaFile | null {
  const segments = urlPath.split("/").slice(1);
  if (segments.length < 2 || !segments.every((segment) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(segment))) return null;
  const path = join(mediaDir, ...segments);
  const stat = statOf(path);
  if (!stat) return null;
  const known = kept.get(path);
  if (known && known.mtimeMs === stat.mtimeMs && known.body.length === stat.size) return known;
  const body = readFileSync(path);
  const name = segments.at(-1) ?? "";
  const file: MediaFile = {
    body,
    extension: name.includes(".") ? name.slice(name.lastIndexOf(".")).toLowerCase() : "",
    etag: `"${createHash("sha256").update(body).digest("hex").slice(0, 20)}"`,
    lastModified: new Date(stat.mtimeMs).toUTCString(),
    mtimeMs: stat.mtimeMs,
  };
  kept.set(path, file);
  return file;
}

/** The media type of a file extension (with its dot). */
export function contentTypeOf(extension: string): string {
  return contentTypes[extension] ?? "application/octet-stream";
}

const contentTypes: Record<string, string> = {
  ".m3u8": "application/vnd.apple.mpegurl",
  ".ts": "video/mp2t",
  ".m4s": "video/iso.segment",
  ".mp4": "video/mp4",
  ".m4a": "audio/mp4",
  ".aac": "audio/aac",
  ".vtt": "text/vtt; charset=utf-8",
  ".key": "application/octet-stream",
  ".jpg": "image/jpeg",
  ".json": "application/json",
};

function statOf(path: string): Stats | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat : null;
}
