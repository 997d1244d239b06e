/** A playlist is gathered whole, then rewritten and sent; what only claims to be one is passed on untouched. */
import { entryComplete } from "../cache/entry.ts";
import type { EntryKind } from "../cache/freshness.ts";
import type { Body } from "../download/flight.ts";
import { rewriteJson } from "../playlist/json-rewrite.ts";
import { isPlaylistBody, playlistSummary } from "../playlist/playlist-kind.ts";
import { playlistResources } from "../playlist/playlist-resources.ts";
import { rewritePlaylist } from "../playlist/playlist-rewrite.ts";
import type { VariableSources } from "../playlist/playlist-variables.ts";
import { namesQueryParameters } from "../playlist/playlist-variables.ts";
import { responseHead } from "../response/response-head.ts";
import type { JsonKind } from "../route/own-parameters.ts";
import { storeBody } from "./body-life.ts";
import { bodyHead, bodyParts, playlistFields } from "./exchange-serve.ts";
import { playlistKey, recallPlaylist, rememberPlaylist } from "./playlist-memory.ts";
import { answerProblem, finishExchange, sendHead } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import type { StartNames } from "./start-ahead.ts";
import { armStarts, startAhead, startNames } from "./start-ahead.ts";
import { rememberUrl } from "./url-memory.ts";

/**
 * Looks at the first bytes that were gathered. "more": go on gathering. "stream": it is no playlist; a head was sent,
 * and the edge sends what it has gathered and goes on as for any other body.
 */
export function gatherBegan(
  state: ProxyState,
  exchange: Exchange,
  firstBytes: string,
  nowMs: number,
): "more" | "stream" {
  const body = exchange.body;
  if (body === null || exchange.method === "HEAD" || isPlaylistBody(firstBytes) !== "no") return "more";
  // R-JSON-5
  if (exchange.own.as !== "none") return "more";
  // R-SERVE-2
  body.entry.kind = "media";
  storeBody(state, body);
  exchange.playlist = false;
  exchange.state = "sending";
  sendHead(state, exchange, bodyHead(state, exchange, body, body.status, 0, body.entry.total, nowMs), null);
  return "stream";
}

/** The whole body is gathered: sends the rewritten playlist. */
export function gatherDone(state: ProxyState, exchange: Exchange, bytes: string, nowMs: number): void {
  const body = exchange.body;
  if (body === null) return;
  if (isPlaylistBody(bytes) !== "yes" && exchange.own.as !== "none") {
    sendJson(state, exchange, body, bytes, nowMs);
    return;
  }
  if (isPlaylistBody(bytes) !== "yes") {
    body.entry.kind = "media";
    storeBody(state, body);
    sendHead(
      state,
      exchange,
      bodyHead(state, exchange, body, body.status, 0, bytes.length, nowMs),
      bodyOf(exchange, bytes),
    );
    finishExchange(state, exchange, nowMs);
    return;
  }
  const { form, own, prefix } = exchange;
  const { id, finalUrl } = body.entry;
  const sources = variableSources(state, exchange, body);
  const bytesMax = state.options.limits.urisBytesMax;
  // R-SERVE-3
  const text = rewritePlaylist(bytes, { prefix, form, baseUrl: finalUrl, playerUrl: exchange.url, sources, bytesMax });
  if (text === null) {
    const detail = "the playlist's URIs come to more than urisBytesMax";
    answerProblem(state, exchange, "playlist-too-large", detail, nowMs);
    return;
  }
  const { expressUrls, names } = learnPlaylist(state, body, bytes, sources);
  const ownUrl = namesQueryParameters(bytes) ? sources.ownUrl : "";
  const known = { baseUrl: finalUrl, ownUrl, text, expressUrls, names };
  if (body.journalled) rememberPlaylist(state.playlists, playlistKey(id, form, prefix, own), known);
  armStarts(state, exchange, names, nowMs);
  sendPlaylist(state, exchange, body, text, nowMs);
  startAhead(state, exchange, bytes, finalUrl, nowMs);
}

/** How an asset list or a steering manifest is kept: finished, or as what its origin is asked for each time. */
export function jsonEntryKind(kind: JsonKind): EntryKind {
  // R-JSON-6
  return kind === "steering" ? "live" : "vod";
}

/** Answers with a playlist that was rewritten before and has not changed since; false when there is none. */
export function answerKnownPlaylist(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): boolean {
  const entry = body.entry;
  if (!body.journalled || !entryComplete(entry)) return false;
  const key = playlistKey(entry.id, exchange.form, exchange.prefix, exchange.own);
  const known = recallPlaylist(state.playlists, key, entry.finalUrl, ownUrlOf(exchange, body));
  if (known === null) return false;
  // R-EXPRESS-2
  for (const url of known.expressUrls) rememberUrl(state.expressUrls, url);
  armStarts(state, exchange, known.names, nowMs);
  sendPlaylist(state, exchange, body, known.text, nowMs);
  return true;
}

/** More was gathered than a playlist may have. */
export function gatherTooLarge(state: ProxyState, exchange: Exchange, nowMs: number): void {
  answerProblem(state, exchange, "playlist-too-large", "the body is larger than playlistBytesMax", nowMs);
}

/** Sends an asset list or a steering manifest, rewritten like a playlist. */
function sendJson(state: ProxyState, exchange: Exchange, body: Body, bytes: string, nowMs: number): void {
  const { form, own, prefix } = exchange;
  const { entry } = body;
  const { jsonDepthMax, jsonBytesMax, urisBytesMax } = state.options.limits;
  if (entry.kind !== jsonEntryKind(own.as) || entry.targetDurationMs !== 0) {
    entry.kind = jsonEntryKind(own.as);
    entry.targetDurationMs = 0;
    storeBody(state, body);
  }
  const bounds = { depthMax: jsonDepthMax, bytesMax: jsonBytesMax, urisBytesMax };
  const text = rewriteJson(bytes, { prefix, form, baseUrl: entry.finalUrl, own, ...bounds });
  const known = { baseUrl: entry.finalUrl, ownUrl: "", text, expressUrls: [], names: null };
  if (body.journalled) rememberPlaylist(state.playlists, playlistKey(entry.id, form, prefix, own), known);
  sendPlaylist(state, exchange, body, text, nowMs);
}

function sendPlaylist(state: ProxyState, exchange: Exchange, body: Body, text: string, nowMs: number): void {
  const parts = bodyParts(state, exchange, body, 200, nowMs);
  parts.stored = playlistFields(parts.stored);
  parts.contentLength = text.length;
  parts.acceptRanges = "none";
  sendHead(state, exchange, responseHead(parts), bodyOf(exchange, text));
  finishExchange(state, exchange, nowMs);
}

/**
 * Remembers of a playlist what later requests need: its kind, its pace, its keys and initialization sections. Returns
 * the latter two, and the playlists that a multivariant one names.
 */
function learnPlaylist(
  state: ProxyState,
  body: Body,
  bytes: string,
  sources: VariableSources,
): { expressUrls: string[]; names: StartNames | null } {
  const entry = body.entry;
  const summary = playlistSummary(bytes);
  if (entry.kind !== summary.kind || entry.targetDurationMs !== summary.targetDurationMs) {
    entry.kind = summary.kind;
    entry.targetDurationMs = summary.targetDurationMs;
    storeBody(state, body);
  }
  const resources = playlistResources(bytes, entry.finalUrl, sources);
  const expressUrls = resources.maps.concat(resources.keys);
  // R-EXPRESS-2
  for (const url of expressUrls) rememberUrl(state.expressUrls, url);
  const names = summary.kind === "multivariant" ? startNames(state, bytes, entry.finalUrl, resources.playlists) : null;
  return { expressUrls, names };
}

function variableSources(state: ProxyState, exchange: Exchange, body: Body): VariableSources {
  const { variablesMax, variablesBytesMax, targetBytesMax } = state.options.limits;
  return {
    ownUrl: ownUrlOf(exchange, body),
    imports: exchange.own.define,
    countMax: variablesMax,
    bytesMax: variablesBytesMax,
    uriBytesMax: targetBytesMax,
  };
}

/** The URL whose query a playlist means: where a redirect led, else the one asked for, for the key may leave out some. */
function ownUrlOf(exchange: Exchange, body: Body): string {
  // R-VAR-6
  return body.entry.finalUrl === body.entry.url ? exchange.url : body.entry.finalUrl;
}

function bodyOf(exchange: Exchange, content: string): string {
  return exchange.method === "HEAD" ? "" : content;
}
