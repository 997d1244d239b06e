/**
 * Whether a response may be stored (RFC 9111 section 3; SPEC: R-STORE-1).
 *
 * An entry is shared by all players of the proxy and found by its URL alone. What depends on who asks is therefore not
 * stored in this version: entries kept apart by identity come later.
 */
import { equalIgnoreCase, lowerAscii } from "../base/bytes.ts";
import { parseCacheControl } from "../http/cache-control.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldCombined, fieldFirst, listItems } from "../http/field-list.ts";
import { requestFieldTable } from "../http/field-table.ts";

/** Why: "ok" when storable. */
export type StoreReason = "ok" | "method" | "status" | "no-store" | "credentials" | "vary";

export type StoreVerdict = { store: boolean; reason: StoreReason };

export type StoreOptions = {
  /** Store in spite of no-store, by the operator's option. */
  overrideNoStore: boolean;
  /** Names, in any case, of request fields that are forwarded beside the field table's. */
  extraRequestFields: string[];
};

/** Varying on these changes nothing: the proxy asks for one coding and sends its own CORS fields. */
const harmlessVary: string[] = ["accept-encoding", "origin"];

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
  // R-STORE-5
  if (carriesCredentials(requestFields) && !responseControl.isPublic) {
    return { store: false, reason: "credentials" };
  }
  if (variesByPlayer(fieldCombined(responseFields, "vary"), options.extraRequestFields)) {
    return { store: false, reason: "vary" };
  }
  return { store: true, reason: "ok" };
}

/** Whether a request names who asks; its response is then stored only when the origin calls it public. */
export function carriesCredentials(requestFields: FieldList): boolean {
  return fieldFirst(requestFields, "authorization") !== null || fieldFirst(requestFields, "cookie") !== null;
}

/** Whether a request says that nothing of its response may be stored (RFC 9111 section 5.2.1.5). */
export function forbidsStoring(requestFields: FieldList): boolean {
  return parseCacheControl(fieldCombined(requestFields, "cache-control")).noStore;
}

/** Whether a Vary value names "*" or a field that reaches the origin from the player. */
function variesByPlayer(vary: string | null, extraRequestFields: string[]): boolean {
  if (vary === null) {
    return false;
  }
  for (const item of listItems(vary)) {
    const name = lowerAscii(item);
    // R-STORE-6
    if (name === "*") {
      return true;
    }
    // R-STORE-7
    if (!harmlessVary.includes(name) && isForwarded(name, extraRequestFields)) {
      return true;
    }
  }
  return false;
}

/** Whether the request field of this name reaches the origin, by the field table or by option. */
function isForwarded(name: string, extraRequestFields: string[]): boolean {
  for (const row of requestFieldTable) {
    if (equalIgnoreCase(row.name, name)) {
      return true;
    }
  }
  for (const extra of extraRequestFields) {
    if (equalIgnoreCase(extra, name)) {
      return true;
    }
  }
  return false;
}
