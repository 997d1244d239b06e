/** What a request says about the stored responses that it takes (RFC 9111 section 5.2.1), under the http policy. */

import { lowerAscii } from "../base/bytes.ts";
import type { CacheControl } from "../http/cache-control.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldCombined, listItems } from "../http/field-list.ts";

/** The Cache-Control of a request, or what its Pragma says in its place (RFC 9111 section 5.4). */
export function requestControl(requestFields: FieldList): CacheControl {
  const value = fieldCombined(requestFields, "cache-control");
  const control = parseCacheControl(value);
  const pragma = value === null ? fieldCombined(requestFields, "pragma") : null;
  // R-REQ-1
  if (pragma !== null && listItems(pragma).some((item) => lowerAscii(item) === "no-cache")) control.noCache = true;
  return control;
}

/**
 * Whether a request takes a stored response of this age without asking the origin. `lifetimeMs` is its freshness
 * lifetime, -1 when it has none; `isStrict` when the response forbids to use it stale (RFC 9111 section 4.2.4).
 */
export function requestTakes(control: CacheControl, lifetimeMs: number, ageMs: number, isStrict: boolean): boolean {
  // R-REQ-2
  if (control.noCache) return false;
  // R-REQ-3
  if (control.maxAge >= 0 && ageMs >= control.maxAge * 1000) return false;
  const leftMs = Math.max(0, lifetimeMs) - ageMs;
  // R-REQ-4
  if (control.minFresh >= 0 && leftMs < control.minFresh * 1000) return false;
  if (leftMs > 0) return true;
  // R-REQ-5
  return !isStrict && control.maxStale >= 0 && -leftMs <= control.maxStale * 1000;
}
