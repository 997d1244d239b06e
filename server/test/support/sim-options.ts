/** The core's options in simulations. */
import type { Limits } from "../../core/base/limits.ts";
import { defaultLimits } from "../../core/base/limits.ts";
import type { CoreOptions } from "../../core/exchange/proxy-state.ts";

/** Options under which little comes between a case and what it shows. */
export function simOptions(limits: Partial<Limits>, options: Partial<CoreOptions>): CoreOptions {
  return {
    limits: { ...defaultLimits, ...limits },
    policy: "media",
    keyUrl: (url) => url,
    keyRules: { dropParameters: [], keepParameters: null },
    secret: "",
    allowedHosts: [],
    allowUpstream: [],
    playlistFreshMs: 0,
    ignoreNoStore: false,
    validateOutdated: false,
    apart: true,
    shared: false,
    heuristicPercent: 0,
    startAhead: false,
    delivery: "all",
    headMs: 0,
    headSegments: 0,
    offlineFilter: false,
    offlineMs: 0,
    warmFirst: false,
    cors: false,
    keepAlive: true,
    forwardFields: [],
    requestFields: [],
    responseFields: [],
    maxCacheBytes: 1_000_000_000,
    resigns: false,
    ...options,
  };
}
