/** Which lane an exchange's requests to its origin travel in. */
import type { Lane } from "../download/lane-queue.ts";
import type { Exchange, ProxyState } from "./proxy-state.ts";
import { remembersUrl } from "./url-memory.ts";

/** The lane of what an exchange asks for (R-EXPRESS-1). */
export function laneOf(state: ProxyState, exchange: Exchange): Lane {
  if (exchange.method === "" && exchange.found === null) return "background";
  // R-LL-3
  if (exchange.directed) return "held";
  if (exchange.playlist || exchange.method === "HEAD" || remembersUrl(state.expressUrls, exchange.url))
    return "express";
  const range = exchange.range;
  const max = state.options.limits.expressRangeBytes;
  if (range.kind === "from" && range.last !== -1 && range.last - range.first + 1 < max) return "express";
  if (range.kind === "suffix" && range.length < max) return "express";
  return "regular";
}
