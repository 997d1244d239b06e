/**
 * The Cache-Status field (RFC 9211): what the cache did for this response, as one structured field item
 * (SPEC: R-CS-1).
 */
import { isDigit } from "../base/bytes.ts";

/** What happened. `hit` excludes every forward parameter (RFC 9211 section 2.2). */
export type CacheNote = {
  hit: boolean;
  /** Why the request went to the origin: uri-miss, vary-miss, partial, stale, request, method, bypass; "" if not. */
  fwd: string;
  /** The origin's status; 0 when there is none. */
  fwdStatus: number;
  stored: boolean;
  collapsed: boolean;
  /** A word on the cause, as "offline"; "" when there is nothing to say. */
  detail: string;
};

/** A note of nothing but `detail`: for what the proxy answers by itself, and for an exchange that begins (""). */
export function newNote(detail: string): CacheNote {
  // R-CS-6
  return { hit: false, fwd: "", fwdStatus: 0, stored: false, collapsed: false, detail };
}

/** The field value: the cache's name, then its parameters in one fixed order. */
export function cacheStatusText(note: CacheNote): string {
  // R-CS-1
  let text = "reelcache";
  if (note.hit) {
    // R-CS-2
    text += "; hit";
  } else if (note.fwd !== "") {
    // R-CS-3
    text += `; fwd=${bareItem(note.fwd)}`;
    if (note.fwdStatus > 0) {
      text += `; fwd-status=${note.fwdStatus}`;
    }
    if (note.stored) {
      text += "; stored";
    }
    if (note.collapsed) {
      text += "; collapsed";
    }
  }
  if (note.detail !== "") {
    text += `; detail=${bareItem(note.detail)}`;
  }
  return text;
}

/** A token when the text is one, else a string (RFC 9651 sections 4.1.6 and 4.1.7). */
function bareItem(text: string): string {
  // R-CS-4
  return isStructuredToken(text) ? text : structuredString(text);
}

/** Structured field token (RFC 9651 section 3.3.4): a letter or "*", then token characters, ":" or "/". */
function isStructuredToken(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const first = isLetter(code) || code === 0x2a;
    if (!(index === 0 ? first : first || isDigit(code) || "!#$%&'+-.^_`|~:/".includes(text.charAt(index)))) {
      return false;
    }
  }
  return text.length > 0;
}

/** Structured field string: quoted, with `"` and `\` escaped; what is not printable ASCII is left out. */
function structuredString(text: string): string {
  let quoted = '"';
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) {
      continue;
    }
    if (code === 0x22 || code === 0x5c) {
      quoted += "\\";
    }
    quoted += text.charAt(index);
  }
  return `${quoted}"`;
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
