/** A feed: of a list of URLs those near the one that is watched are preloaded, the nearest first. */
import type { PreloadAmount } from "../playlist/preload-parts.ts";
import { cancelPreload, runPreloads, startPreload } from "./preload-run.ts";
import type { Preload } from "./preload-table.ts";
import { sortPreloads } from "./preload-table.ts";
import type { ProxyState } from "./proxy-state.ts";

/** How many items after and before the one that is watched, and how much of each. */
export type WindowShape = { ahead: number; behind: number; amount: PreloadAmount };

/**
 * Makes the window be around `index`: what left it is cancelled, what stays goes on, what is new begins. Returns the
 * window's preloads, the nearest first; a list without URLs closes it.
 */
export function setFeedWindow(
  state: ProxyState,
  urls: string[],
  index: number,
  shape: WindowShape,
  nowMs: number,
): Preload[] {
  const wanted = windowUrls(urls, index, shape, state.options.limits.windowMax);
  const known = state.window;
  const kept: Preload[] = [];
  // What is cancelled makes room for the nearest, which may come last.
  state.preloads.held = true;
  // R-WINDOW-2
  for (const preload of known) {
    if (!wanted.includes(preload.order.url)) cancelPreload(state, preload.id, nowMs);
  }
  for (const [place, url] of wanted.entries()) {
    const priority = windowPriority - place;
    const same = known.find((preload) => preload.order.url === url && isOfUse(preload, shape.amount));
    if (same !== undefined) {
      same.order.priority = priority;
      kept.push(same);
      continue;
    }
    const stale = known.find((preload) => preload.order.url === url);
    if (stale !== undefined) cancelPreload(state, stale.id, nowMs);
    const order = {
      url,
      amount: shape.amount,
      variant: { by: "first" as const, value: 0 },
      subtitles: false,
      priority,
    };
    const preload = startPreload(state, order, nowMs);
    if (preload !== null) kept.push(preload);
  }
  state.window = kept;
  sortPreloads(state.preloads);
  state.preloads.held = false;
  runPreloads(state, nowMs);
  return kept;
}

/** Above what is preloaded by request, which has 0 to 9. */
const windowPriority = 100;

/** The URLs in the window, each once: the watched one, then those after and before it by their distance. */
export function windowUrls(urls: string[], index: number, shape: WindowShape, max: number): string[] {
  const wanted: string[] = [];
  const watched = Math.max(0, Math.min(index, urls.length - 1));
  const farthest = Math.min(Math.max(shape.ahead, shape.behind), urls.length);
  for (let distance = 0; distance <= farthest && wanted.length < max; distance += 1) {
    // R-WINDOW-1
    if (distance <= shape.ahead) addUrl(wanted, urls[watched + distance], max);
    if (distance > 0 && distance <= shape.behind) addUrl(wanted, urls[watched - distance], max);
  }
  return wanted;
}

function addUrl(wanted: string[], url: string | undefined, max: number): void {
  if (url !== undefined && !wanted.includes(url) && wanted.length < max) wanted.push(url);
}

/** Whether what is under way or done is what is wanted now; what failed is begun anew. */
function isOfUse(preload: Preload, amount: PreloadAmount): boolean {
  const same = preload.order.amount.unit === amount.unit && preload.order.amount.count === amount.count;
  return same && (preload.state === "active" || preload.state === "done");
}
