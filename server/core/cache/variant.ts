/**
 * Variants: stored responses of one resource of which each is for some requests only (RFC 9111 section 4.1). A variant
 * has a key of its own, made of the resource's and of digests of what tells the requests apart; a key without one is
 * for all. So it is found, journalled and evicted like any other, and never by a request of another key.
 */
import { lowerAscii } from "../base/bytes.ts";
import { sha256Hex } from "../base/sha256.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldFirst, fieldJoined, listItems } from "../http/field-list.ts";
import { isForwardedName } from "../http/field-table.ts";

/** What stands in a key before the digest of the fields that a response varies on. */
const varyMark = " vary=";

/** Names that may tell variants apart: each request compares them all. */
export const selectingNamesMax = 64;

/** Varying on these changes nothing: the proxy asks for one coding and sends its own CORS fields. */
const harmlessVary: string[] = ["accept-encoding", "origin"];

/** Whether a request names who asks. */
export function carriesCredentials(requestFields: FieldList): boolean {
  return fieldFirst(requestFields, "authorization") !== null || fieldFirst(requestFields, "cookie") !== null;
}

/** The fields of a request that say who asks. */
export function credentialFields(requestFields: FieldList): FieldList {
  const fields: FieldList = [];
  const authorization = fieldFirst(requestFields, "authorization");
  const cookie = fieldJoined(requestFields, "cookie", "; ");
  if (authorization !== null) fields.push("Authorization", authorization);
  if (cookie !== null) fields.push("Cookie", cookie);
  return fields;
}

/** The key of what is for one identity alone: of a resource's key and the credentials of a request, if it has any. */
export function identityKey(key: string, requestFields: FieldList): string {
  // R-VARY-1
  if (!carriesCredentials(requestFields)) return key;
  const authorization = fieldFirst(requestFields, "authorization");
  const cookie = fieldJoined(requestFields, "cookie", "; ");
  return `${key} id=${sha256Hex(selectedLine("authorization", authorization) + selectedLine("cookie", cookie))}`;
}

/**
 * The key of the variant for a request that sends `forwarded` to the origin, when `names` tell variants apart; the key
 * itself when none do.
 */
export function variantKey(key: string, names: string[], forwarded: FieldList): string {
  // R-VARY-2
  if (names.length === 0) return key;
  let lines = "";
  for (const name of names) lines += selectedLine(name, fieldFirst(forwarded, name));
  return `${key}${varyMark}${sha256Hex(lines)}`;
}

/** Whether a key is one that `variantKey` made of another. */
export function isVariantOf(key: string, of: string): boolean {
  return key.startsWith(of + varyMark);
}

/** The key of the resource that a variant is of. */
export function resourceKey(key: string): string {
  // No URL of a resource holds a space (R-URI-8).
  const mark = key.indexOf(" ");
  return mark === -1 ? key : key.slice(0, mark);
}

/**
 * The request fields that tell variants apart by a Vary value: those of the player that reach the origin, in lower
 * case, each once, in order of the alphabet; of more than `selectingNamesMax` the first, and one more.
 */
export function selectingNames(vary: string | null, extraRequestFields: string[]): string[] {
  const names: string[] = [];
  if (vary === null) return names;
  for (const item of listItems(vary)) {
    if (names.length > selectingNamesMax) break;
    const name = lowerAscii(item);
    // R-VARY-3
    if (!harmlessVary.includes(name) && isForwardedName(name, extraRequestFields) && !names.includes(name))
      names.push(name);
  }
  names.sort();
  return names;
}

/** Whether a Vary value says that nothing in a request tells for whom the response is. */
export function variesOnAll(vary: string | null): boolean {
  return vary !== null && listItems(vary).includes("*");
}

/** One line of what a digest is made of: an absent field is not an empty one. */
function selectedLine(name: string, value: string | null): string {
  return value === null ? `${name}\n` : `${name}:${value}\n`;
}
