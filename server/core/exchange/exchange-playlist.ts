/** A playlist is gathered whole, then rewritten and sent; what only claims to be one is passed on untouched. */
import { entryComplete } from "../cache/entry.ts";
import type { EntryKind } from "../cache/freshness.ts";
import type { Body } from "../download/flight.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldRemove, fieldSet } from "../http/field-list.ts";
import { rewriteJson } from "../playlist/json-rewrite.ts";
import { isPlaylistBody, playlistSummary } from "../playlist/playlist-kind.ts";
import { playlistResources } from "../playlist/playlist-resources.ts";
import type { RewriteContext } from "../playlist/playlist-rewrite.ts";
import { rewritePlaylist, rewriteSegments } from "../playlist/playlist-rewrite.ts";
import type { VariableSources } from "../playlist/playlist-variables.ts";
import { definesVariables, namesQueryParameters } from "../playlist/playlist-variables.ts";
import { playablePresentation, warmFirst } from "../playlist/variant-choice.ts";
import { responseHead } from "../response/response-head.ts";
import type { JsonKind } from "../route/own-parameters.ts";
import { storeBody } from "./body-life.ts";
import { bodyHead, bodyParts, playlistFields } from "./exchange-serve.ts";
import { fetchLater } from "./fetch-later.ts";
import { playlistKey, recallPlaylist, rememberPlaylist } from "./playlist-memory.ts";
import type { Survey } from "./playlist-survey.ts";
import { beginSurvey, surveyGathered, surveyPurpose } from "./playlist-survey.ts";
import { preloadPlaylist } from "./preload-run.ts";
import { answerProblem, finishExchange, sendHead } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { isMomentary, segmentDelivery } from "./segment-delivery.ts";
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

/** The whole body is gathered: sends the rewritten playlist, or looks first into those that it names. */
export function gatherDone(state: ProxyState, exchange: Exchange, bytes: string, nowMs: number): void {
  const body = exchange.body;
  if (body === null) return;
  if (exchange.survey !== null) {
    surveyGathered(state, exchange, exchange.survey, bytes, nowMs);
    return;
  }
  if (isPlaylistBody(bytes) !== "yes") {
    if (exchange.own.as !== "none") sendJson(state, exchange, body, bytes, nowMs);
    else sendUntouched(state, exchange, body, bytes, nowMs);
    return;
  }
  const context = rewriteContext(state, exchange, body);
  const { direct, later } = segmentDelivery(state, exchange, body, bytes, nowMs);
  // R-SERVE-3
  const text = rewriteSegments(bytes, context, direct);
  if (text === null) {
    answerUrisTooLarge(state, exchange, nowMs);
    return;
  }
  const { expressUrls, names, playlists } = learnPlaylist(state, body, bytes, context.sources);
  if (exchange.method === "") {
    exchange.status = 200;
    if (exchange.task !== null) preloadPlaylist(state, exchange.task, bytes, body.entry.finalUrl, context.sources);
    finishExchange(state, exchange, nowMs);
    return;
  }
  // R-OFFLINE-9
  const purpose = definesVariables(bytes) ? "none" : surveyPurpose(state, exchange, body);
  if (purpose !== "none") {
    beginSurvey(state, exchange, body, bytes, purpose, playlists, nowMs);
    return;
  }
  const { form, own, prefix } = exchange;
  const { id, finalUrl } = body.entry;
  const momentary = isMomentary(state, body);
  const ownUrl = namesQueryParameters(bytes) ? context.sources.ownUrl : "";
  const known = { baseUrl: finalUrl, ownUrl, text, expressUrls, names };
  if (body.journalled && !momentary) rememberPlaylist(state.playlists, playlistKey(id, form, prefix, own), known);
  armStarts(state, exchange, names, nowMs);
  sendPlaylist(state, exchange, body, text, momentary, nowMs);
  if (direct[0] !== true) startAhead(state, exchange, bytes, finalUrl, nowMs);
  if (exchange.method !== "HEAD") fetchLater(state, exchange, later, nowMs);
}

/** The playlists that a multivariant one names are looked up: sends what the player shall see of it. */
export function answerSurveyed(state: ProxyState, exchange: Exchange, survey: Survey, nowMs: number): void {
  const { purpose, bytes, body, playable } = survey;
  const baseUrl = body.entry.finalUrl;
  const isFiltered = purpose === "offline";
  const chosen = isFiltered
    ? playablePresentation(bytes, baseUrl, playable)
    : warmFirst(bytes, baseUrl, playable.slice(0, 1));
  if (chosen === "") {
    // R-OFFLINE-5
    exchange.note.hit = false;
    answerProblem(state, exchange, "offline", "no variant is stored as far as it must be to be played", nowMs);
    return;
  }
  const context = rewriteContext(state, exchange, body);
  const text = rewritePlaylist(chosen, context);
  if (text === null) {
    answerUrisTooLarge(state, exchange, nowMs);
    return;
  }
  const names = startNames(state, chosen, baseUrl, playlistResources(chosen, baseUrl, context.sources).playlists);
  if (isFiltered) exchange.note.detail = "offline-filtered";
  armStarts(state, exchange, names, nowMs);
  sendPlaylist(state, exchange, body, text, isFiltered, nowMs);
}

/** How an asset list or a steering manifest is kept: finished, or as what its origin is asked for each time. */
export function jsonEntryKind(kind: JsonKind): EntryKind {
  // R-JSON-6
  return kind === "steering" ? "live" : "vod";
}

/** Answers with a playlist that was rewritten before and has not changed since; false when there is none. */
export function answerKnownPlaylist(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): boolean {
  const entry = body.entry;
  if (!body.journalled || !entryComplete(entry) || isMomentary(state, body)) return false;
  if (surveyPurpose(state, exchange, body) !== "none") return false;
  const key = playlistKey(entry.id, exchange.form, exchange.prefix, exchange.own);
  const known = recallPlaylist(state.playlists, key, entry.finalUrl, ownUrlOf(exchange.url, body));
  if (known === null) return false;
  // R-EXPRESS-2
  for (const url of known.expressUrls) rememberUrl(state.expressUrls, url);
  armStarts(state, exchange, known.names, nowMs);
  sendPlaylist(state, exchange, body, known.text, false, nowMs);
  return true;
}

/** More was gathered than a playlist may have. */
export function gatherTooLarge(state: ProxyState, exchange: Exchange, nowMs: number): void {
  answerProblem(state, exchange, "playlist-too-large", "the body is larger than playlistBytesMax", nowMs);
}

/** Where the values of a playlist's variables come from when it is asked for by a URL, and may import these. */
export function variableSources(state: ProxyState, body: Body, url: string, imports: string): VariableSources {
  const { targetBytesMax, variablesBytesMax, variablesMax } = state.options.limits;
  return {
    ownUrl: ownUrlOf(url, body),
    imports,
    countMax: variablesMax,
    bytesMax: variablesBytesMax,
    uriBytesMax: targetBytesMax,
  };
}

function answerUrisTooLarge(state: ProxyState, exchange: Exchange, nowMs: number): void {
  const detail = "the playlist's URIs come to more than urisBytesMax";
  answerProblem(state, exchange, "playlist-too-large", detail, nowMs);
}

/** Sends what only claims to be a playlist. */
function sendUntouched(state: ProxyState, exchange: Exchange, body: Body, bytes: string, nowMs: number): void {
  body.entry.kind = "media";
  storeBody(state, body);
  const head = bodyHead(state, exchange, body, body.status, 0, bytes.length, nowMs);
  sendHead(state, exchange, head, bodyOf(exchange, bytes));
  finishExchange(state, exchange, nowMs);
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
  sendPlaylist(state, exchange, body, text, false, nowMs);
}

function sendPlaylist(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  text: string,
  momentary: boolean,
  nowMs: number,
): void {
  const parts = bodyParts(state, exchange, body, 200, nowMs);
  parts.stored = momentary ? momentaryFields(parts.stored) : playlistFields(parts.stored);
  parts.contentLength = text.length;
  parts.acceptRanges = "none";
  sendHead(state, exchange, responseHead(parts), bodyOf(exchange, text));
  finishExchange(state, exchange, nowMs);
}

/**
 * Remembers of a playlist what later requests need: its kind, its pace, its keys and initialization sections. Returns
 * the latter two, and the playlists that a multivariant one names, as fetching ahead remembers them and as URLs.
 */
function learnPlaylist(
  state: ProxyState,
  body: Body,
  bytes: string,
  sources: VariableSources,
): { expressUrls: string[]; names: StartNames | null; playlists: string[] } {
  const entry = body.entry;
  const summary = playlistSummary(bytes);
  if (entry.kind !== summary.kind || entry.targetDurationMs !== summary.targetDurationMs) {
    entry.kind = summary.kind;
    entry.targetDurationMs = summary.targetDurationMs;
    storeBody(state, body);
  }
  const resources = playlistResources(bytes, entry.finalUrl, sources);
  const expressUrls = resources.maps.concat(resources.keys);
  // R-DELIVER-2
  if (summary.kind === "event" || summary.kind === "live") rememberUrl(state.liveUrls, entry.key);
  // R-EXPRESS-2
  for (const url of expressUrls) rememberUrl(state.expressUrls, url);
  const names = summary.kind === "multivariant" ? startNames(state, bytes, entry.finalUrl, resources.playlists) : null;
  return { expressUrls, names, playlists: resources.playlists };
}

/** What is true of the moment only, no cache behind the proxy may keep or renew. */
function momentaryFields(stored: FieldList): FieldList {
  const fields = stored.slice();
  // R-OFFLINE-5, R-DELIVER-5
  for (const name of ["etag", "last-modified", "expires"]) fieldRemove(fields, name);
  fieldSet(fields, "Cache-Control", "no-store");
  return fields;
}

/** How an exchange's player sees a playlist. */
function rewriteContext(state: ProxyState, exchange: Exchange, body: Body): RewriteContext {
  const { form, own, prefix, url } = exchange;
  const sources = variableSources(state, body, url, own.define);
  const bytesMax = state.options.limits.urisBytesMax;
  return { prefix, form, baseUrl: body.entry.finalUrl, playerUrl: url, sources, bytesMax };
}

/** The URL whose query a playlist means: where a redirect led, else the one asked for, for the key may leave out some. */
function ownUrlOf(url: string, body: Body): string {
  // R-VAR-6
  return body.entry.finalUrl === body.entry.url ? url : body.entry.finalUrl;
}

function bodyOf(exchange: Exchange, content: string): string {
  return exchange.method === "HEAD" ? "" : content;
}
