/** Carries out preloads: asks in the background for what a player will ask for, reads playlists, counts, tries again. */
import { breakerOpenUntil } from "../download/breaker.ts";
import type { Body } from "../download/flight.ts";
import { isPlaylistUrl } from "../http/media-type.ts";
import { originOf } from "../http/uri-reference.ts";
import { beginningAt, mediaTimeline, startOffset } from "../playlist/media-timeline.ts";
import { playlistSummary } from "../playlist/playlist-kind.ts";
import type { VariableSources } from "../playlist/playlist-variables.ts";
import { exportsText, plainPlaylist } from "../playlist/playlist-variables.ts";
import type { PreloadPart } from "../playlist/preload-parts.ts";
import { preloadParts } from "../playlist/preload-parts.ts";
import { chooseVariant, variantList, variantPlaylists } from "../playlist/variant-list.ts";
import { noParameters } from "../route/own-parameters.ts";
import type { Landing, Preload, PreloadOrder, PreloadState } from "./preload-table.ts";
import { addParts, addPreload, findPreload, putBack, retirePreload } from "./preload-table.ts";
import { finishExchange } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { backgroundExchange } from "./request-admission.ts";

/** What an exchange of a preload asks for; `failure` says why it is of no use, "" while it may be. */
export type PreloadTask = { preload: Preload; part: PreloadPart; read: boolean; failure: string };

/** How a part ended: "" when it is here, else why not; the bytes that it brought, and what of them is not in a file yet. */
type Outcome = { failure: string; bytes: number; landing: Landing[] };

/** Begins a preload; null when `preloadsMax` are at work. */
export function startPreload(state: ProxyState, order: PreloadOrder, nowMs: number): Preload | null {
  const table = state.preloads;
  // R-PRE-3
  if (table.active.length >= state.options.limits.preloadsMax) return null;
  const preload = addPreload(table, order);
  runPreloads(state, nowMs);
  return preload;
}

/** Ends a preload: what it brought stays. False when it is over or unknown. */
export function cancelPreload(state: ProxyState, id: number, nowMs: number): boolean {
  const preload = findPreload(state.preloads, id);
  if (preload?.state !== "active") return false;
  // R-PRE-10
  endPreload(state, preload, "cancelled", "", nowMs);
  runPreloads(state, nowMs);
  return true;
}

/** Ends every preload: the proxy stops. */
export function cancelPreloads(state: ProxyState, nowMs: number): void {
  const active = state.preloads.active.slice();
  // None goes on because another ends.
  for (const preload of active) preload.todo = [];
  for (const preload of active) endPreload(state, preload, "cancelled", "", nowMs);
}

/** Asks for the next parts, as far as the bounds allow. */
export function runPreloads(state: ProxyState, nowMs: number): void {
  const table = state.preloads;
  if (table.held) return;
  table.wakeMs = -1;
  for (const preload of table.active) {
    while (table.running < state.options.limits.preloadTransfersMax) {
      const part = nextPart(state, preload, nowMs);
      if (part === null) break;
      preload.todo.shift();
      beginPart(state, preload, part, nowMs);
    }
  }
}

/** A playlist that an exchange of a preload asked for is here, whole. */
export function preloadPlaylist(
  state: ProxyState,
  task: PreloadTask,
  bytes: string,
  baseUrl: string,
  sources: VariableSources,
): void {
  const { preload, part } = task;
  const { order } = preload;
  task.read = true;
  const kind = playlistSummary(bytes).kind;
  const plain = plainPlaylist(bytes, sources, state.options.limits.urisBytesMax);
  if (kind === "multivariant") {
    const list = variantList(plain, baseUrl);
    const variant = part.kind === "root" ? chooseVariant(list, order.variant) : null;
    if (variant === null || variant.url === "") {
      task.failure = "no-variant";
      return;
    }
    preload.imports = exportsText(bytes, sources);
    preload.offset = startOffset(plain);
    for (const url of variantPlaylists(list, variant, order.subtitles)) {
      // R-PRE-12
      const kind = url === variant.url ? "playlist" : "rendition";
      addParts(preload, [{ ...part, kind, url, start: 0, end: -1 }]);
    }
  } else if (kind === "vod") {
    const max = state.options.limits.preloadSegmentsMax;
    const timeline = beginningAt(mediaTimeline(plain, baseUrl), plain, preload.offset);
    const parts = preloadParts(timeline, order.amount, max);
    // R-PRE-12
    const isCounted = part.kind !== "rendition";
    addParts(preload, isCounted ? parts : parts.map((one) => ({ ...one, segments: 0, durationMs: 0 })));
  } else {
    // R-PRE-9
    task.failure = "live";
  }
}

/** Whether an exchange of a preload ends here, at the head of what it asked for: what cannot be kept is not fetched. */
export function endsPreload(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): boolean {
  const { task } = exchange;
  if (task === null || body.storing || exchange.playlist || body.entry.kind !== "media") return false;
  // R-PRE-9
  task.failure = body.passing ? `status-${body.status}` : "not-stored";
  finishExchange(state, exchange, nowMs);
  return true;
}

/** What an exchange of a preload came to; called before it lets go of its body. */
export function partOutcome(exchange: Exchange, task: PreloadTask): Outcome {
  const { body, cursor } = exchange;
  const failed = (failure: string): Outcome => ({ failure, bytes: 0, landing: [] });
  if (task.failure !== "") return failed(task.failure);
  const { note, status } = exchange;
  if (status >= 400) return failed(note.detail === "" ? `status-${status}` : note.detail);
  if (task.read && body !== null) return brought(body, 0, body.entry.total);
  if (body === null || cursor === null || cursor.end === -1 || cursor.offset < cursor.end) {
    return failed(cursor === null ? "upstream-truncated" : cursor.failure);
  }
  // What was written to no file is gone with its reader.
  if (!body.storing) return failed("not-stored");
  return brought(body, status === 206 ? task.part.start : 0, cursor.end);
}

function brought(body: Body, start: number, end: number): Outcome {
  const landing: Landing[] = [];
  for (const flight of body.flights) {
    const upTo = Math.min(end, flight.position);
    if (body.storing && flight.written < upTo) landing.push({ flight, upTo });
  }
  return { failure: "", bytes: end - start, landing };
}

/** An exchange of a preload is over. */
export function partEnded(
  state: ProxyState,
  exchange: Exchange,
  task: PreloadTask,
  outcome: Outcome,
  nowMs: number,
): void {
  const { preload, part } = task;
  state.preloads.running -= 1;
  const place = preload.running.indexOf(exchange.id);
  if (place !== -1) preload.running.splice(place, 1);
  if (preload.state !== "active") return;
  if (outcome.failure === "") {
    preload.failures = 0;
    preload.bytes += outcome.bytes;
    preload.segments += part.segments;
    preload.durationMs += part.durationMs;
    preload.landing.push(...outcome.landing);
    state.preloads.landing += outcome.landing.length;
    if (isOver(preload)) endPreload(state, preload, "done", "", nowMs);
    else state.actions.push({ kind: "preload", preload });
  } else {
    failPart(state, preload, part, outcome.failure, nowMs);
  }
  runPreloads(state, nowMs);
}

/** Bytes have come to the disk, or will never: what was preloaded is done when all of it is there. */
export function settlePreloads(state: ProxyState, nowMs: number): void {
  const table = state.preloads;
  if (table.landing === 0) return;
  let isFreed = false;
  for (const preload of table.active.slice()) {
    const left = preload.landing.filter((one) => !isLanded(one));
    if (left.length === preload.landing.length) continue;
    const isLost = preload.landing.some((one) => !one.flight.body.storing);
    table.landing -= preload.landing.length - left.length;
    preload.landing = left;
    // R-PRE-9, R-PRE-13
    if (isLost) {
      endPreload(state, preload, "failed", "not-stored", nowMs);
      isFreed = true;
    } else if (isOver(preload)) {
      endPreload(state, preload, "done", "", nowMs);
    }
  }
  // What it still asked for leaves its place to the next.
  if (isFreed) runPreloads(state, nowMs);
}

function isLanded(one: Landing): boolean {
  return one.flight.state === "ended" || !one.flight.body.storing || one.flight.written >= one.upTo;
}

function isOver(preload: Preload): boolean {
  const isAsked = preload.running.length === 0 && (preload.todo.length === 0 || hasEnough(preload));
  return isAsked && preload.landing.length === 0;
}

/** Failures of the network and of crowding, after which another try may succeed. */
const passingFailures = [
  "upstream-refused",
  "upstream-dns",
  "upstream-tls",
  "upstream-timeout",
  "upstream-truncated",
  "too-busy",
  "offline",
];

function failPart(state: ProxyState, preload: Preload, part: PreloadPart, failure: string, nowMs: number): void {
  const limits = state.options.limits;
  const isPassing = passingFailures.includes(failure);
  // What failed together is one failure.
  const isFirst = preload.notBeforeMs <= nowMs;
  if (isFirst) preload.failures += 1;
  // R-PRE-8
  if (!isPassing || preload.failures > limits.preloadTriesMax) {
    endPreload(state, preload, "failed", failure, nowMs);
    return;
  }
  putBack(preload, part);
  if (!isFirst) return;
  let waitMs = limits.resumeBackoffMs;
  for (let left = preload.failures - 1; left > 0; left -= 1) waitMs = Math.min(waitMs * 2, limits.breakerPauseMsMax);
  preload.notBeforeMs = nowMs + waitMs;
}

function endPreload(state: ProxyState, preload: Preload, as: PreloadState, cause: string, nowMs: number): void {
  preload.state = as;
  preload.cause = cause;
  retirePreload(state.preloads, preload, state.options.limits.preloadsMax);
  for (const id of preload.running.slice()) {
    const exchange = state.exchanges.get(id);
    if (exchange !== undefined) finishExchange(state, exchange, nowMs);
  }
  state.actions.push({ kind: "preload", preload });
}

/** The part to ask for now; null when there is none, or it must wait. */
function nextPart(state: ProxyState, preload: Preload, nowMs: number): PreloadPart | null {
  const part = preload.todo[0];
  if (part === undefined || preload.state !== "active") return null;
  // R-PRE-8: when the network is back, all go on.
  if (state.offline) return null;
  // R-PRE-7: what is known by its bytes alone is counted as it comes.
  if (preload.order.amount.unit === "bytes" && part.kind === "media" && preload.running.length > 0) return null;
  if (hasEnough(preload)) return null;
  const openUntilMs = breakerOpenUntil(state.breakers, originOf(part.url));
  const readyMs = Math.max(preload.notBeforeMs, openUntilMs);
  if (readyMs > nowMs) {
    const table = state.preloads;
    if (table.wakeMs === -1 || readyMs < table.wakeMs) table.wakeMs = readyMs;
    return null;
  }
  // R-PRE-8: after the pause one request goes out, to see whether the origin is back.
  return openUntilMs !== -1 && state.preloads.running > 0 ? null : part;
}

function hasEnough(preload: Preload): boolean {
  const { unit, count } = preload.order.amount;
  return unit === "bytes" && preload.bytes >= count;
}

function beginPart(state: ProxyState, preload: Preload, part: PreloadPart, nowMs: number): void {
  const asked = part.kind === "root" ? rootPart(state, preload, part) : part;
  // What a variant's playlist names is no playlist, and imports nothing.
  const isNamed = part.kind === "playlist" || part.kind === "rendition";
  const own = { ...noParameters(), define: isNamed ? preload.imports : "" };
  const exchange = backgroundExchange(state, asked, own, nowMs);
  exchange.task = { preload, part: asked, read: false, failure: "" };
  preload.running.push(exchange.id);
  state.preloads.running += 1;
  state.actions.push({ kind: "begin", exchange });
}

/** Of what may be a plain file only its beginning is asked for, unless all of it is wanted. */
function rootPart(state: ProxyState, preload: Preload, part: PreloadPart): PreloadPart {
  const { unit, count } = preload.order.amount;
  // R-PRE-11
  if (unit === "all" || isPlaylistUrl(part.url)) return part;
  return { ...part, end: unit === "bytes" ? count : state.options.limits.preloadFileBytes };
}
