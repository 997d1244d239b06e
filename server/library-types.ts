/** What callers of the library give and get for preloading and for what is stored. */
import type { EntryKind } from "./core/cache/freshness.ts";
import type { Presentation } from "./core/exchange/presentation.ts";
import type { PreloadAmount } from "./core/playlist/preload-parts.ts";
import type { VariantWish } from "./core/playlist/variant-list.ts";
import type { PreloadProgress } from "./edge/preload-desk.ts";

export type { Missing, PlayableWay, Presentation } from "./core/exchange/presentation.ts";
export type { PreloadProgress } from "./edge/preload-desk.ts";

/** How much to preload: at most one of the three; none means all of it. */
export type Amount = { seconds?: number; segments?: number; bytes?: number };

export type PreloadOptions = Amount & {
  /** Which variant of a multivariant playlist; the first that it lists when absent. */
  variant?: { bandwidth: number } | { height: number } | { index: number };
  /** Its subtitles as well. */
  subtitles?: boolean;
  /** 0 to 9; what has more goes first. */
  priority?: number;
  /** Hears how far it came, the last time when it is over. */
  onProgress?: (progress: PreloadProgress) => void;
};

/** A preload under way. */
export type PreloadHandle = {
  /** 0 when it was refused. */
  readonly id: number;
  /** How far it came. */
  readonly progress: PreloadProgress;
  /** Resolves when it is over, whatever came of it; never rejects. */
  readonly done: Promise<PreloadProgress>;
  /** Ends it; what it brought stays. */
  cancel(): void;
};

export type WindowOptions = Amount & { ahead?: number; behind?: number };

/** A stored resource. */
export type StoredEntry = {
  id: number;
  url: string;
  kind: EntryKind;
  bytes: number;
  /** Its length, -1 while unknown. */
  total: number;
  /** Stored intervals: start, end (exclusive), start, end … */
  spans: number[];
  pinned: boolean;
  /** Last access, in milliseconds since the epoch. */
  accessMs: number;
};

/** What the core takes for an amount; throws a RangeError for one that cannot be meant. */
export function amountOf(given: Amount): PreloadAmount {
  const { seconds, segments, bytes } = given;
  const found: PreloadAmount[] = [];
  if (seconds !== undefined) found.push({ unit: "milliseconds", count: Math.floor(seconds * 1000) });
  if (segments !== undefined) found.push({ unit: "segments", count: Math.floor(segments) });
  if (bytes !== undefined) found.push({ unit: "bytes", count: Math.floor(bytes) });
  const first = found[0];
  if (first === undefined) return { unit: "all", count: 0 };
  if (found.length > 1) throw new RangeError("only one of seconds, segments and bytes may be given");
  if (!Number.isSafeInteger(first.count) || first.count <= 0) throw new RangeError(`${first.unit} must be above 0`);
  return first;
}

/** A whole number from 0 on; 0 for what is none. */
export function natural(value: number): number {
  return value > 0 ? Math.floor(value) : 0;
}

/** What the core takes for a variant. */
export function variantOf(variant: PreloadOptions["variant"]): VariantWish {
  if (variant === undefined) return { by: "first", value: 0 };
  if ("bandwidth" in variant) return { by: "bandwidth", value: variant.bandwidth };
  return "height" in variant ? { by: "height", value: variant.height } : { by: "index", value: variant.index };
}

/** The answer of a server that does not run. */
export function nothingStored(url: string): Presentation {
  return {
    url,
    kind: "none",
    entries: 0,
    bytes: 0,
    total: -1,
    spans: [],
    pinned: false,
    playable: false,
    complete: false,
    ways: [],
    missing: [],
  };
}
