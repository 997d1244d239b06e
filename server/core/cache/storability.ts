/**
 * Whether a response may be stored (RFC 9111 section 3; SPEC: R-STORE-1).
 *
 * What depends on who asks is stored as a variant of its own, or, where an option says so, not at all.
 */
import type { CacheControl } from "../http/cache-control.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldCombined, fieldFirst } from "../http/field-list.ts";
import { carriesCredentials, selectingNames, selectingNamesMax, variesOnAll } from "./variant.ts";

/** Why: "ok" when storable. */
export type StoreReason = "ok" | "method" | "status" | "no-store" | "private" | "credentials" | "vary";

export type StoreVerdict = { store: boolean; reason: StoreReason };

export type StoreOptions = {
  /** Store in spite of no-store, by the operator's option. */
  overrideNoStore: boolean;
  /** What depends on who asks is kept apart. */
  apart: boolean;
  /** Several users share the cache, and none of them is to be told apart. */
  shared: boolean;
  /** Names, in any case, of request fields that are forwarded beside the field table's. */
  extraRequestFields: string[];
};

/** The verdict for a response with `status` and `responseFields` to a player's request with `requestFields`. */
export function storable(
  method: string,
  requestFields: FieldList,
  status: number,
  responseFields: FieldList,
  options: StoreOptions,
): StoreVerdict {
  // R-STORE-1
  if (method !== "GET") {
    return { store: false, reason: "method" };
  }
  // R-STORE-2
  if (status !== 200 && status !== 206) {
    return { store: false, reason: "status" };
  }
  const responseControl = parseCacheControl(fieldCombined(responseFields, "cache-control"));
  // R-STORE-3, R-STORE-4
  if ((forbidsStoring(requestFields) || responseControl.noStore) && !options.overrideNoStore) {
    return { store: false, reason: "no-store" };
  }
  // R-STORE-10
  if (options.shared && isForOneUser(requestFields, responseControl)) {
    return { store: false, reason: "private" };
  }
  // R-STORE-5
  if (!options.apart && carriesCredentials(requestFields) && !responseControl.isPublic) {
    return { store: false, reason: "credentials" };
  }
  const vary = fieldCombined(responseFields, "vary");
  // R-STORE-6
  if (variesOnAll(vary)) {
    return { store: false, reason: "vary" };
  }
  const selecting = selectingNames(vary, options.extraRequestFields).length;
  // R-STORE-7, R-STORE-11
  if (selecting > (options.apart ? selectingNamesMax : 0)) {
    return { store: false, reason: "vary" };
  }
  return { store: true, reason: "ok" };
}

/** Whether a request says that nothing of its response may be stored (RFC 9111 section 5.2.1.5). */
export function forbidsStoring(requestFields: FieldList): boolean {
  return parseCacheControl(fieldCombined(requestFields, "cache-control")).noStore;
}

/** Whether a response is for one user, to a cache that several share (RFC 9111 sections 3 and 3.5). */
function isForOneUser(requestFields: FieldList, control: CacheControl): boolean {
  if (control.isPrivate) return true;
  const isAllowed = control.isPublic || control.mustRevalidate || control.sMaxAge >= 0;
  return fieldFirst(requestFields, "authorization") !== null && !isAllowed;
}
