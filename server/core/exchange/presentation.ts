/**
 * What of a presentation is stored, and whether it plays without its origin. The text of a stored playlist lies in its
 * file: whoever asks gives the texts that it has read, and hears which others are needed.
 */
import { entryComplete } from "../cache/entry.ts";
import { spanBytes } from "../cache/span-set.ts";
import type { Body } from "../download/flight.ts";
import { findSlot, variantsOf } from "../download/resource-table.ts";
import type { Timeline, TimelineSegment } from "../playlist/media-timeline.ts";
import { beginningAt, mediaTimeline, startOffset } from "../playlist/media-timeline.ts";
import type { PlaylistPart } from "../playlist/playlist-part.ts";
import { playlistResources } from "../playlist/playlist-resources.ts";
import { exportsText, plainPlaylist } from "../playlist/playlist-variables.ts";
import type { VariantLine } from "../playlist/variant-list.ts";
import { variantList, variantPlaylists } from "../playlist/variant-list.ts";
import { bodyHolds } from "../reader/reader-step.ts";
import { doomBody, storeBody } from "./body-life.ts";
import { variableSources } from "./exchange-playlist.ts";
import { forgetPlaylists } from "./playlist-memory.ts";
import type { ProxyState } from "./proxy-state.ts";
import { keyOf } from "./proxy-state.ts";

/** Texts of stored playlists by entry id, and the bodies whose texts are needed as well. */
export type TextShelf = { texts: Map<number, string>; needed: Body[] };

/**
 * What is missing for playing: a playlist, section, key or segment, or that the playlist is not finished. `url` is "" for
 * a segment that nobody could ask for.
 */
export type Missing = {
  what: "playlist" | "live" | "map" | "key" | "segment" | "file";
  url: string;
  start: number;
  end: number;
};

/** A way to play: a variant, or the playlist itself. `times`: from, to (exclusive), from, to … in milliseconds. */
export type PlayableWay = {
  url: string;
  bandwidth: number;
  playable: boolean;
  complete: boolean;
  lengthMs: number;
  times: number[];
  missing: Missing[];
};

export type Presentation = {
  url: string;
  kind: "none" | Body["entry"]["kind"];
  /** Of everything that it names. */
  entries: number;
  bytes: number;
  /** Of the resource itself. */
  total: number;
  spans: number[];
  pinned: boolean;
  playable: boolean;
  complete: boolean;
  ways: PlayableWay[];
  missing: Missing[];
};

/** What is missing is listed up to this length. */
const missingMax = 50;

/** Stretches of time that are listed of a way to play. */
const timesMax = 1000;

/** What is stored of a media playlist: `times` as in a way to play, where playing begins, and where it ends. */
type JudgedPlaylist = { beginMs: number; endMs: number; times: number[]; missing: Missing[] };

/** By URL. */
type JudgedPlaylists = Map<string, JudgedPlaylist>;

/** The state of what is stored under a URL, and of what its playlists name. */
export function presentationStatus(state: ProxyState, url: string, shelf: TextShelf): Presentation {
  const bodies = presentationBodies(state, url, shelf);
  const body = storedBody(state, url);
  const status: Presentation = {
    url,
    kind: body === null ? "none" : body.entry.kind,
    entries: bodies.length,
    bytes: 0,
    total: body === null ? -1 : body.entry.total,
    spans: body === null ? [] : body.entry.spans.slice(),
    pinned: body?.entry.pinned === true,
    playable: false,
    complete: false,
    ways: [],
    missing: [],
  };
  for (const one of bodies) status.bytes += spanBytes(one.entry.spans);
  if (body === null || body.entry.kind === "media") judgeFile(status, body);
  else judgePlaylist(state, status, body, shelf);
  return status;
}

/** Everything stored that a URL names, itself first; each once. */
export function presentationBodies(state: ProxyState, url: string, shelf: TextShelf): Body[] {
  const found: Body[] = [];
  const seen = new Set<string>();
  collect(state, { url, imports: "", offset: "" }, shelf, found, seen, 0);
  return found;
}

/** Keeps what is stored of a presentation from eviction, or no longer. Returns how many resources that changed. */
export function pinPresentation(state: ProxyState, url: string, pinned: boolean, shelf: TextShelf): number {
  const bodies = presentationBodies(state, url, shelf);
  if (shelf.needed.length > 0) return 0;
  let changed = 0;
  for (const body of bodies) {
    if (body.entry.pinned === pinned) continue;
    // R-PIN-1
    body.entry.pinned = pinned;
    storeBody(state, body);
    changed += 1;
  }
  // What may go now may help an eviction that could not.
  state.evictionIdleBytes = -1;
  return changed;
}

/** Drops what is stored of a presentation, pinned or not; responses under way complete. Returns how many went. */
export function removePresentation(state: ProxyState, url: string, shelf: TextShelf): number {
  const bodies = presentationBodies(state, url, shelf);
  if (shelf.needed.length > 0) return 0;
  // R-PIN-2
  for (const body of bodies) doomBody(state, body);
  if (bodies.length > 0) forgetPlaylists(state.playlists);
  return bodies.length;
}

/** Up to `max` stored resources with ids above `after`, by id: pages that hold still while others come and go. */
export function entriesPage(state: ProxyState, after: number, max: number): Body[] {
  // R-PIN-3
  const bodies = state.table.bodies.filter((body) => body.entry.id > after);
  bodies.sort((a, b) => a.entry.id - b.entry.id);
  return bodies.slice(0, max);
}

/** All that is stored of a URL's resource, for whomever. */
function storedBodies(state: ProxyState, url: string): Body[] {
  const key = keyOf(state.options, url);
  const plain = findSlot(state.table, key)?.current ?? null;
  const variants = variantsOf(state.table, key);
  return plain === null ? variants.slice() : [plain, ...variants];
}

/** What is judged of a URL's resource; null when nothing is stored. */
function storedBody(state: ProxyState, url: string): Body | null {
  let found: Body | null = null;
  for (const body of storedBodies(state, url)) {
    // R-STATUS-4
    if (found === null || body.entry.id > found.entry.id) found = body;
  }
  return found;
}

/** The text of a stored playlist; null when it is not whole, or not read yet. */
function textOf(body: Body, shelf: TextShelf): string | null {
  if (!entryComplete(body.entry)) return null;
  const text = shelf.texts.get(body.entry.id);
  if (text === undefined && !shelf.needed.includes(body)) shelf.needed.push(body);
  return text ?? null;
}

/** A playlist as a player asks for it: by a URL, with the variables that it may import, and told where to begin. */
type Asked = { url: string; imports: string; offset: string };

function collect(
  state: ProxyState,
  asked: Asked,
  shelf: TextShelf,
  found: Body[],
  seen: Set<string>,
  depth: number,
): void {
  for (const body of storedBodies(state, asked.url)) {
    if (seen.has(body.entry.key)) continue;
    seen.add(body.entry.key);
    found.push(body);
    // A multivariant playlist names media playlists, and those no others that belong to them.
    const text = body.entry.kind === "media" || depth > 1 ? null : textOf(body, shelf);
    if (text === null) continue;
    const sources = variableSources(state, body, asked.url, asked.imports);
    const names = playlistResources(text, body.entry.finalUrl, sources);
    const isMultivariant = body.entry.kind === "multivariant";
    const imports = isMultivariant ? exportsText(text, sources) : "";
    for (const url of names.maps.concat(names.keys, names.segments, isMultivariant ? names.playlists : [])) {
      collect(state, { url, imports, offset: "" }, shelf, found, seen, depth + 1);
    }
  }
}

function judgeFile(status: Presentation, body: Body | null): void {
  status.complete = body !== null && entryComplete(body.entry);
  // R-STATUS-1
  status.playable = status.complete;
  if (!status.complete) status.missing.push({ what: "file", url: status.url, start: 0, end: -1 });
}

function judgePlaylist(state: ProxyState, status: Presentation, body: Body, shelf: TextShelf): void {
  const text = textOf(body, shelf);
  if (text === null) {
    status.missing.push({ what: "playlist", url: status.url, start: 0, end: -1 });
    return;
  }
  const judged: JudgedPlaylists = new Map();
  const { limits } = state.options;
  if (body.entry.kind === "multivariant") {
    const sources = variableSources(state, body, status.url, "");
    const imports = exportsText(text, sources);
    const plain = plainPlaylist(text, sources, limits.urisBytesMax);
    const offset = startOffset(plain);
    const list = variantList(plain, body.entry.finalUrl);
    // R-STATUS-5
    for (const variant of list.variants.slice(0, limits.surveyPlaylistsMax)) {
      const asked = variantPlaylists(list, variant, false).map((url) => ({ url, imports, offset }));
      status.ways.push(judgeWay(state, variant, asked, shelf, judged));
    }
  } else {
    status.ways.push(judgeWay(state, null, [{ url: status.url, imports: "", offset: "" }], shelf, judged));
  }
  let best: PlayableWay | null = null;
  for (const way of status.ways) {
    if (best === null || playedMs(way) > playedMs(best)) best = way;
  }
  // R-STATUS-3
  status.playable = status.ways.some((way) => way.playable);
  status.complete = status.ways.some((way) => way.complete);
  status.missing = best === null ? [] : best.missing;
}

function judgeWay(
  state: ProxyState,
  variant: VariantLine | null,
  playlists: Asked[],
  shelf: TextShelf,
  judged: JudgedPlaylists,
): PlayableWay {
  const way: PlayableWay = {
    url: variant === null ? (playlists[0]?.url ?? "") : variant.url,
    bandwidth: variant === null ? 0 : variant.bandwidth,
    playable: false,
    complete: false,
    lengthMs: 0,
    times: [],
    missing: [],
  };
  let begins = playlists.length > 0;
  for (const [place, asked] of playlists.entries()) {
    const one = judgedPlaylist(state, asked, shelf, judged);
    way.times = place === 0 ? one.times : overlap(way.times, one.times);
    if (place === 0) way.lengthMs = one.endMs;
    // R-STATUS-2
    if (!holds(one.times, one.beginMs)) begins = false;
    for (const missing of one.missing) miss(way.missing, missing.what, missing);
  }
  way.playable = begins;
  way.complete = begins && way.missing.length === 0;
  way.times = way.times.slice(0, timesMax * 2);
  return way;
}

/** A media playlist as it is judged, once for all variants that are played with it. */
function judgedPlaylist(state: ProxyState, asked: Asked, shelf: TextShelf, judged: JudgedPlaylists): JudgedPlaylist {
  const known = judged.get(asked.url);
  if (known !== undefined) return known;
  const one: JudgedPlaylist = { beginMs: 0, endMs: 0, times: [], missing: [] };
  judged.set(asked.url, one);
  const timeline = timelineOf(state, asked, shelf, one.missing);
  if (timeline === null) return one;
  one.beginMs = timeline.beginMs;
  one.endMs = timeline.endMs;
  one.times = storedTimes(state, timeline, one.missing);
  return one;
}

/** The segments of a stored, finished media playlist; null when there is none. */
function timelineOf(state: ProxyState, asked: Asked, shelf: TextShelf, missing: Missing[]): Timeline | null {
  const { url, imports, offset } = asked;
  const body = storedBody(state, url);
  const text = body === null || body.entry.kind === "media" ? null : textOf(body, shelf);
  if (body === null || text === null) {
    miss(missing, "playlist", { url, start: 0, end: -1 });
    return null;
  }
  if (body.entry.kind === "vod") {
    const sources = variableSources(state, body, url, imports);
    const plain = plainPlaylist(text, sources, state.options.limits.urisBytesMax);
    return beginningAt(mediaTimeline(plain, body.entry.finalUrl), plain, offset);
  }
  // R-FRESH-9: without its origin it is not served.
  miss(missing, "live", { url, start: 0, end: -1 });
  return null;
}

/** The times that are stored whole: segment, section and keys. */
function storedTimes(state: ProxyState, timeline: Timeline, missing: Missing[]): number[] {
  const times: number[] = [];
  for (const segment of timeline.segments) {
    if (!isStored(state, segment, missing)) continue;
    const { startMs, endMs } = segment;
    if (times.length > 0 && times[times.length - 1] === startMs) times[times.length - 1] = endMs;
    else times.push(startMs, endMs);
  }
  return times;
}

function isStored(state: ProxyState, segment: TimelineSegment, missing: Missing[]): boolean {
  // R-STATUS-2: a gap is played as one, and brings nothing.
  if (segment.gap) return true;
  if (segment.part === null) {
    miss(missing, "segment", { url: "", start: 0, end: -1 });
    return false;
  }
  let whole = isThere(state, segment.part, missing, "segment");
  if (segment.map !== null && !isThere(state, segment.map, missing, "map")) whole = false;
  for (const url of segment.keys) {
    if (!isThere(state, { url, start: 0, end: -1 }, missing, "key")) whole = false;
  }
  return whole;
}

/** Whether a part is here whole, in the file or on its way there; noted when it is not. */
function isThere(state: ProxyState, part: PlaylistPart, missing: Missing[], what: Missing["what"]): boolean {
  const body = storedBody(state, part.url);
  if (body !== null && bodyHolds(body, part.start, part.end)) return true;
  miss(missing, what, part);
  return false;
}

/** Notes what is missing, each once. */
function miss(missing: Missing[], what: Missing["what"], part: PlaylistPart): void {
  const { url, start, end } = part;
  const known = missing.some((one) => one.url === url && one.start === start && one.end === end);
  if (!known && missing.length < missingMax) missing.push({ what, url, start, end });
}

function holds(ranges: number[], atMs: number): boolean {
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    if ((ranges[at] ?? 0) <= atMs && atMs < (ranges[at + 1] ?? 0)) return true;
  }
  return false;
}

function overlap(left: number[], right: number[]): number[] {
  const both: number[] = [];
  let at = 0;
  let other = 0;
  while (at + 1 < left.length && other + 1 < right.length) {
    const from = Math.max(left[at] ?? 0, right[other] ?? 0);
    const leftEnd = left[at + 1] ?? 0;
    const rightEnd = right[other + 1] ?? 0;
    const to = Math.min(leftEnd, rightEnd);
    if (from < to) both.push(from, to);
    if (leftEnd <= rightEnd) at += 2;
    else other += 2;
  }
  return both;
}

function playedMs(way: PlayableWay): number {
  let ms = 0;
  for (let at = 0; at + 1 < way.times.length; at += 2) ms += (way.times[at + 1] ?? 0) - (way.times[at] ?? 0);
  return ms;
}
