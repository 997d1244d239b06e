import { trimOws } from "../base/bytes.ts";
import { parseHttpDate } from "./http-date.ts";

/**
 * Validators: what tells two versions of a resource apart (RFC 9110 section 8.8), and the conditions made of them
 * (section 13). An absent field is null.
 */

/** True for an entity tag that promises the same bytes: well formed and not marked weak. */
export function isStrongEtag(etag: string): boolean {
  // R-VALID-1
  return isOpaqueTag(etag, 0);
}

/** True for a well-formed entity tag, weak or strong (RFC 9110 section 8.8.3). The mark is a capital "W". */
export function isValidEtag(etag: string): boolean {
  return isOpaqueTag(etag, etag.startsWith("W/") ? 2 : 0);
}

/** Strong comparison (RFC 9110 section 8.8.3.2): both strong, and the same. */
export function etagEqualStrong(a: string, b: string): boolean {
  // R-VALID-2
  return isStrongEtag(a) && a === b;
}

/** Weak comparison (RFC 9110 section 8.8.3.2): the same but for the weak marks. Malformed tags compare as text. */
export function etagEqualWeak(a: string, b: string): boolean {
  // R-VALID-3
  return opaquePart(a) === opaquePart(b);
}

/** True when If-None-Match lets the body be sent: no tag of the field is the stored one (RFC 9110 section 13.1.2). */
export function ifNoneMatchHolds(fieldValue: string, etag: string | null): boolean {
  // R-VALID-4
  if (trimOws(fieldValue) === "*") {
    return false;
  }
  return etag === null || !etagListed(fieldValue, trimOws(etag));
}

/** True when If-Modified-Since lets the body be sent: stored later, or either date unreadable (RFC 9110 13.1.3). */
export function ifModifiedSinceHolds(value: string, lastModified: string | null, nowMs: number): boolean {
  const since = parseHttpDate(value, nowMs);
  const modified = lastModified === null ? -1 : parseHttpDate(lastModified, nowMs);
  // R-VALID-5
  return since < 0 || modified < 0 || modified > since;
}

/** True when If-Range lets the Range be honoured: a strong tag that matches, or the exact date (RFC 9110 13.1.5). */
export function ifRangeHolds(value: string, etag: string | null, lastModified: string | null, nowMs: number): boolean {
  const text = trimOws(value);
  // R-VALID-6
  if (text.startsWith('"') || text.startsWith("W/")) {
    return etag !== null && etagEqualStrong(text, trimOws(etag));
  }
  if (lastModified === null || text.length === 0) {
    return false;
  }
  // R-VALID-7
  const date = parseHttpDate(text, nowMs);
  return text === trimOws(lastModified) || (date >= 0 && date === parseHttpDate(lastModified, nowMs));
}

/**
 * True when nothing tells response A from response B: each validator that both have is equal, and so are the totals
 * when both are known. Totals in bytes, -1 unknown.
 */
export function sameVersion(
  etagA: string | null,
  lastModifiedA: string | null,
  totalA: number,
  etagB: string | null,
  lastModifiedB: string | null,
  totalB: number,
): boolean {
  // R-VALID-8
  if (etagA !== null && etagB !== null && !etagEqualWeak(trimOws(etagA), trimOws(etagB))) {
    return false;
  }
  if (lastModifiedA !== null && lastModifiedB !== null && trimOws(lastModifiedA) !== trimOws(lastModifiedB)) {
    return false;
  }
  return totalA < 0 || totalB < 0 || totalA === totalB;
}

/** The If-Range value with which a fetch resumes: the strong tag, else Last-Modified, else null (RFC 9110 13.1.5). */
export function resumeValidator(etag: string | null, lastModified: string | null): string | null {
  const tag = etag === null ? "" : trimOws(etag);
  // R-VALID-9
  if (isStrongEtag(tag)) {
    return tag;
  }
  const date = lastModified === null ? "" : trimOws(lastModified);
  return date.length > 0 ? date : null;
}

/** True when the bytes from `start` on are one opaque tag: quotes around etagc (0x21, 0x23 to 0x7E, obs-text). */
function isOpaqueTag(text: string, start: number): boolean {
  const last = text.length - 1;
  if (last <= start || text.charCodeAt(start) !== 34 || text.charCodeAt(last) !== 34) {
    return false;
  }
  for (let at = start + 1; at < last; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code === 34 || code === 127) {
      return false;
    }
  }
  return true;
}

function opaquePart(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}

/** Whether the list holds the tag, compared weakly. A backslash escapes nothing inside an entity tag, so it is no listItems. */
function etagListed(list: string, etag: string): boolean {
  let start = 0;
  let quoted = false;
  for (let at = 0; at <= list.length; at += 1) {
    const code = at < list.length ? list.charCodeAt(at) : 44;
    quoted = code === 34 ? !quoted : quoted;
    if (code === 44 && (!quoted || at === list.length)) {
      // R-VALID-10
      const item = trimOws(list.slice(start, at));
      if (item.length > 0 && etagEqualWeak(item, etag)) {
        return true;
      }
      start = at + 1;
    }
  }
  return false;
}
