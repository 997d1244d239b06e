/** How many origin transfers ran at once, of those that need a slot. */
import type { Case } from "../case/case-types.ts";
import type { OriginEntry } from "../case/result-types.ts";

/** A byte range shorter than this travels express, in bytes (the default of `expressRangeBytes`). */
const expressRangeBytes = 1_024;

/** Most transfers at once, without those known to be express: HEAD, short ranges, playlists, keys, what a MAP names. */
export function mostAtOnce(one: Case, entries: OriginEntry[]): number {
  const express = expressNames(one);
  const taking = entries.filter((entry) => !isExpress(entry, express));
  const counts = taking.map(
    (entry) => taking.filter((other) => other.startMs <= entry.startMs && other.endMs > entry.startMs).length,
  );
  return Math.max(0, ...counts);
}

function isExpress(entry: OriginEntry, names: string[]): boolean {
  if (entry.method === "HEAD") return true;
  const path = entry.target.split("?")[0] ?? "";
  if (/\.(?:m3u8?|key)$/i.test(path) || names.includes(path.slice(path.lastIndexOf("/") + 1))) return true;
  const range = entry.fields.find(([name]) => name.toLowerCase() === "range")?.[1] ?? "";
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return from !== undefined && to !== undefined && Number(to) - Number(from) + 1 < expressRangeBytes;
}

/** Last path segments of what the case's playlists name as initialization sections and keys. */
function expressNames(one: Case): string[] {
  const texts = Object.values(one.origin.resources).map((resource) =>
    resource.body.kind === "text" ? resource.body.text : "",
  );
  return texts.flatMap((text) =>
    [...text.matchAll(/^#EXT-X-(?:MAP|KEY|SESSION-KEY):.*URI="([^"?]*)/gm)].map(([, uri = ""]) =>
      uri.slice(uri.lastIndexOf("/") + 1),
    ),
  );
}
