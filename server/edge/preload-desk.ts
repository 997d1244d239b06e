/** Preloads as callers see them: begun with one call, followed by progress, over once. */
import { setFeedWindow, type WindowShape } from "../core/exchange/feed-window.ts";
import { cancelPreload, startPreload } from "../core/exchange/preload-run.ts";
import type { Preload, PreloadOrder, PreloadState } from "../core/exchange/preload-table.ts";
import type { Engine } from "./engine.ts";

/** How far a preload came. What is not known yet of the whole is 0. */
export type PreloadProgress = {
  id: number;
  url: string;
  state: PreloadState;
  /** Why it failed: an error's code, `status-404` and the like, `live`, `no-variant` or `not-stored`; else "". */
  cause: string;
  bytes: number;
  segments: number;
  seconds: number;
  segmentsAll: number;
  secondsAll: number;
};

export type ProgressListener = (progress: PreloadProgress) => void;

export class PreloadDesk {
  private readonly engine: Engine;
  private readonly listeners = new Map<number, ProgressListener>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Begins a preload and tells its progress until it is over; null when too many are at work. */
  start(order: PreloadOrder, listener: ProgressListener): PreloadProgress | null {
    let preload: Preload | null = null;
    this.engine.run((nowMs) => {
      preload = startPreload(this.engine.state, order, nowMs);
      // Before its first action is carried out.
      if (preload !== null) this.listeners.set(preload.id, listener);
    });
    return preload === null ? null : progressOf(preload);
  }

  cancel(id: number): void {
    this.engine.run((nowMs) => cancelPreload(this.engine.state, id, nowMs));
  }

  setWindow(urls: string[], index: number, shape: WindowShape): PreloadProgress[] {
    let preloads: Preload[] = [];
    this.engine.run((nowMs) => {
      preloads = setFeedWindow(this.engine.state, urls, index, shape, nowMs);
    });
    return preloads.map(progressOf);
  }

  /** A preload came further, or is over. */
  tell(preload: Preload): void {
    const listener = this.listeners.get(preload.id);
    if (preload.state !== "active") this.listeners.delete(preload.id);
    listener?.(progressOf(preload));
  }
}

function progressOf(preload: Preload): PreloadProgress {
  return {
    id: preload.id,
    url: preload.order.url,
    state: preload.state,
    cause: preload.cause,
    bytes: preload.bytes,
    segments: preload.segments,
    seconds: preload.durationMs / 1000,
    segmentsAll: preload.segmentsAll,
    secondsAll: preload.durationAllMs / 1000,
  };
}
