/**
 * Looks up, before a multivariant playlist goes out, how far each of its playlists plays from what is stored: out of
 * reach of the origin only what plays is named, and otherwise what is warm comes first. The stored playlists are
 * gathered one after the other, as the multivariant one was.
 */
import { mayServeStale } from "../cache/freshness.ts";
import { breakerAllows, breakerOpenUntil } from "../download/breaker.ts";
import type { Body } from "../download/flight.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import { fieldCombined } from "../http/field-list.ts";
import { originOf } from "../http/uri-reference.ts";
import type { TimelineSegment } from "../playlist/media-timeline.ts";
import { mediaTimeline, playsEnough } from "../playlist/media-timeline.ts";
import type { PlaylistPart } from "../playlist/playlist-part.ts";
import { variantUrls } from "../playlist/variant-choice.ts";
import { bodyHolds } from "../reader/reader-step.ts";
import { dropBody, holdBody } from "./body-life.ts";
import { isReusable } from "./exchange-plan.ts";
import { answerSurveyed } from "./exchange-playlist.ts";
import { beginReading } from "./exchange-serve.ts";
import { findStoredOf } from "./exchange-variant.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { backgroundExchange } from "./request-admission.ts";

/** Under way: which playlists are looked up, absolute URLs, and which of those before `at` play far enough. */
export type Survey = {
  purpose: SurveyPurpose;
  /** The multivariant playlist, raw, and the body that it came from. */
  bytes: string;
  body: Body;
  urls: string[];
  at: number;
  playable: string[];
};

/** What a multivariant playlist is looked into for. */
export type SurveyPurpose = "none" | "offline" | "warm";

/** What a multivariant playlist is looked into for before it goes out to an exchange. */
export function surveyPurpose(state: ProxyState, exchange: Exchange, body: Body): SurveyPurpose {
  if (body.entry.kind !== "multivariant" || body.passing || exchange.method === "") return "none";
  // R-OFFLINE-1
  if (state.options.offlineFilter && isOutOfReach(state, exchange, body)) return "offline";
  // R-WARM-1
  return state.options.warmFirst ? "warm" : "none";
}

/** Begins to look up the playlists named; the exchange is answered when all are. */
export function beginSurvey(
  state: ProxyState,
  exchange: Exchange,
  body: Body,
  bytes: string,
  purpose: SurveyPurpose,
  playlists: string[],
  nowMs: number,
): void {
  const named = purpose === "warm" ? variantUrls(bytes, body.entry.finalUrl) : playlists;
  if (purpose === "offline") probeOrigin(state, exchange, body, nowMs);
  // R-OFFLINE-6
  const urls = named.slice(0, state.options.limits.surveyPlaylistsMax);
  exchange.survey = { purpose, bytes, body, urls, at: 0, playable: [] };
  goOn(state, exchange, exchange.survey, nowMs);
}

/** The playlist that was being looked up is gathered; null when its bytes cannot be had. */
export function surveyGathered(
  state: ProxyState,
  exchange: Exchange,
  survey: Survey,
  bytes: string | null,
  nowMs: number,
): void {
  const url = survey.urls[survey.at] ?? "";
  const baseUrl = exchange.body?.entry.finalUrl ?? url;
  const timeline = bytes === null ? null : mediaTimeline(bytes, baseUrl);
  if (timeline?.certain === true && isEnough(state, exchange, survey, timeline.segments, nowMs)) {
    survey.playable.push(url);
  }
  survey.at += 1;
  goOn(state, exchange, survey, nowMs);
}

/** Whether all bytes of a part are here and may be served without their origin. */
export function isStored(state: ProxyState, exchange: Exchange, part: PlaylistPart, nowMs: number): boolean {
  const body = storedBody(state, exchange, part.url, nowMs);
  return body !== null && bodyHolds(body, part.start, part.end);
}

/**
 * Asks the origin in the background once its breaker's pause is over, and that of whom it redirected to: what is
 * stored is all that players ask for.
 */
function probeOrigin(state: ProxyState, exchange: Exchange, body: Body, nowMs: number): void {
  const finalOrigin = originOf(body.entry.finalUrl);
  const askedUntil = breakerOpenUntil(state.breakers, originOf(exchange.url));
  const openUntil = Math.max(askedUntil, breakerOpenUntil(state.breakers, finalOrigin));
  // R-OFFLINE-7
  if (state.offline || openUntil < 0 || openUntil > nowMs) return;
  // Where only whom a redirect leads to was out of reach, this request is its probe.
  if (askedUntil < 0 && breakerAllows(state.breakers, finalOrigin, nowMs) !== "probe") return;
  const probe = backgroundExchange(state, { url: exchange.url, start: 0, end: -1 }, exchange.own, nowMs);
  probe.renews = true;
  state.actions.push({ kind: "begin", exchange: probe });
}

/** Gathers the next playlist that is stored, or answers the exchange when there is none. */
function goOn(state: ProxyState, exchange: Exchange, survey: Survey, nowMs: number): void {
  dropBody(state, exchange);
  // Of the variants that are warm the first is enough.
  const isDone = survey.purpose === "warm" && survey.playable.length > 0;
  while (!isDone && survey.at < survey.urls.length) {
    const body = storedBody(state, exchange, survey.urls[survey.at] ?? "", nowMs);
    if (body !== null && isReadable(state, body)) {
      holdBody(exchange, body);
      beginReading(state, exchange, body, 0, body.entry.total, "gathering", nowMs);
      return;
    }
    survey.at += 1;
  }
  exchange.survey = null;
  holdBody(exchange, survey.body);
  answerSurveyed(state, exchange, survey, nowMs);
}

/** Whether a playlist is here whole, and no larger than one may be: gathering it would fail the presentation. */
function isReadable(state: ProxyState, body: Body): boolean {
  // R-OFFLINE-6
  return bodyHolds(body, 0, -1) && body.entry.total <= state.options.limits.playlistBytesMax;
}

/** Whether as much of a playlist's beginning is stored as its presentation needs. */
function isEnough(
  state: ProxyState,
  exchange: Exchange,
  survey: Survey,
  segments: TimelineSegment[],
  nowMs: number,
): boolean {
  const { options } = state;
  const enoughMs = survey.purpose === "offline" ? options.offlineMs : options.limits.warmStartMs;
  let count = 0;
  let before: TimelineSegment | null = null;
  for (const segment of segments) {
    // R-OFFLINE-2
    if (!newNeeds(segment, before).every((one) => isStored(state, exchange, one, nowMs))) break;
    count += 1;
    if (!segment.gap) before = segment;
    if (enoughMs > 0 && playsEnough(segments, count, enoughMs)) return true;
  }
  return playsEnough(segments, count, enoughMs);
}

/** What has to be there for a segment to play and was not needed for the one before. */
function newNeeds(segment: TimelineSegment, before: TimelineSegment | null): PlaylistPart[] {
  // R-TIME-2
  if (segment.part === null) return [];
  const needs = [segment.part];
  if (segment.map !== null && segment.map !== before?.map) needs.push(segment.map);
  if (segment.keys !== before?.keys) needs.push(...segment.keys.map((url) => ({ url, start: 0, end: -1 })));
  return needs;
}

/** What is stored of a URL for an exchange's player and may be served without its origin; null when nothing is. */
function storedBody(state: ProxyState, exchange: Exchange, url: string, nowMs: number): Body | null {
  const body = findStoredOf(state, exchange, url);
  if (body === null || isReusable(state, body, nowMs)) return body;
  const control = parseCacheControl(fieldCombined(body.entry.fields, "cache-control"));
  const { policy, shared } = state.options;
  return mayServeStale(body.entry.kind, policy, control, shared) ? body : null;
}

/** Whether the origin of a playlist is out of reach: the edge was told so, or it has just been tried in vain. */
function isOutOfReach(state: ProxyState, exchange: Exchange, body: Body): boolean {
  if (state.offline || exchange.note.detail === "offline") return true;
  // R-OFFLINE-1: until its origin has answered again; at the end of a pause a player is no probe.
  return [exchange.url, body.entry.finalUrl].some((url) => breakerOpenUntil(state.breakers, originOf(url)) >= 0);
}
