/** Pages of the proxy itself: its health, a start page, and what the command adds (the demo). */

import { laneCounts } from "../core/download/lane-queue.ts";
import { plainParts } from "../core/exchange/problem.ts";
import type { PlayerRequest } from "../core/exchange/proxy-state.ts";
import { newNote } from "../core/response/cache-status.ts";
import { problemBody } from "../core/response/problem-body.ts";
import type { ResponseHead } from "../core/response/response-head.ts";
import { responseHead } from "../core/response/response-head.ts";
import type { Engine } from "./engine.ts";

export type LocalPage = { contentType: string; body: Buffer };

/** Pages that are added from outside: the page at a path (its prefix already removed), or null. */
export type LocalPages = { find: ((path: string) => LocalPage | null) | null };

/** The complete answer to a request for a page of the proxy's own. */
export function localPage(
  engine: Engine,
  pages: LocalPages,
  request: PlayerRequest,
  path: string,
  nowMs: number,
): { head: ResponseHead; body: Buffer } {
  const { state } = engine;
  const found = ownPage(engine, path) ?? (pages.find === null ? null : pages.find(path));
  const status = found === null ? 404 : 200;
  const page = found ?? {
    contentType: "application/problem+json",
    body: Buffer.from(problemBody("not-found", "use /proxy?url=… or /https/host/path", null), "latin1"),
  };
  const keepAlive = state.options.keepAlive && !request.close;
  const parts = plainParts(state, status, request.httpMinor, keepAlive, nowMs);
  parts.contentType = page.contentType;
  parts.contentLength = page.body.length;
  parts.note = newNote("local");
  parts.stored = ["Cache-Control", "no-store"];
  return { head: responseHead(parts), body: page.body };
}

function ownPage(engine: Engine, path: string): LocalPage | null {
  if (path !== "/health") return null;
  const { state } = engine;
  const health = {
    status: "ok",
    entries: state.table.bodies.length,
    bytes: state.table.bytes,
    flights: state.flights.size,
    exchanges: state.exchanges.size,
    lanes: laneCounts(state.lanes),
  };
  return { contentType: "application/json", body: Buffer.from(`${JSON.stringify(health)}\n`, "utf8") };
}
