/** A playlist is gathered whole, then rewritten and sent; what only claims to be one is passed on untouched. */
import type { Body } from "../download/flight.ts";
import { isPlaylistBody, playlistSummary } from "../playlist/playlist-kind.ts";
import { playlistResources } from "../playlist/playlist-resources.ts";
import { rewritePlaylist } from "../playlist/playlist-rewrite.ts";
import { responseHead } from "../response/response-head.ts";
import { storeBody } from "./body-life.ts";
import { bodyHead, bodyParts, playlistFields } from "./exchange-serve.ts";
import { answerProblem, finishExchange, sendHead } from "./problem.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
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
  learnPlaylist(state, body, bytes);
  // R-SERVE-3
  const rewritten = rewritePlaylist(bytes, {
    prefix: exchange.prefix,
    form: exchange.form,
    baseUrl: body.entry.finalUrl,
  });
  const parts = bodyParts(state, exchange, body, 200, nowMs);
  parts.stored = playlistFields(parts.stored);
  parts.contentLength = rewritten.length;
  parts.acceptRanges = "none";
  sendHead(state, exchange, responseHead(parts), bodyOf(exchange, rewritten));
  finishExchange(state, exchange, nowMs);
}

/** More was gathered than a playlist may have. */
export function gatherTooLarge(state: ProxyState, exchange: Exchange, nowMs: number): void {
  answerProblem(state, exchange, "playlist-too-large", "the body is larger than playlistBytesMax", nowMs);
}

/** Remembers of a playlist what later requests need: its kind, its pace, its keys and initialization sections. */
function learnPlaylist(state: ProxyState, body: Body, bytes: string): void {
  const entry = body.entry;
  const summary = playlistSummary(bytes);
  if (entry.kind !== summary.kind || entry.targetDurationMs !== summary.targetDurationMs) {
    entry.kind = summary.kind;
    entry.targetDurationMs = summary.targetDurationMs;
    storeBody(state, body);
  }
  const resources = playlistResources(bytes, entry.finalUrl);
  // R-EXPRESS-2
  for (const url of resources.maps) rememberUrl(state.expressUrls, url);
  for (const url of resources.keys) rememberUrl(state.expressUrls, url);
}

function bodyOf(exchange: Exchange, content: string): string {
  return exchange.method === "HEAD" ? "" : content;
}
