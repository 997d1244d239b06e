import { lowerAscii, parseDigits, trimOws } from "../base/bytes.ts";
import { listItems } from "./field-list.ts";

/** The directives of a Cache-Control field, of a request or a response alike. Numbers in seconds, -1 when absent. */
export type CacheControl = {
  noStore: boolean;
  noCache: boolean;
  isPrivate: boolean;
  isPublic: boolean;
  mustRevalidate: boolean;
  proxyRevalidate: boolean;
  immutable: boolean;
  onlyIfCached: boolean;
  noTransform: boolean;
  maxAge: number;
  sMaxAge: number;
  staleWhileRevalidate: number;
  staleIfError: number;
  minFresh: number;
  maxStale: number;
};

/** The longest time a directive can say, in seconds: 2^31 (RFC 9111 section 1.2.2), also max-stale without a number. */
export const deltaSecondsMax = 2147483648;

/** Reads a Cache-Control field, its lines already combined (RFC 9111 section 5.2); null and unknown words change nothing. */
export function parseCacheControl(value: string | null): CacheControl {
  const control = emptyCacheControl();
  const items = value === null ? [] : listItems(value);
  for (const item of items) {
    const equals = item.indexOf("=");
    // R-CC-1
    const name = lowerAscii(trimOws(equals < 0 ? item : item.slice(0, equals)));
    if (!setFlag(control, name)) {
      setSeconds(control, name, equals < 0 ? null : unquoted(trimOws(item.slice(equals + 1))));
    }
  }
  return control;
}

function emptyCacheControl(): CacheControl {
  return {
    noStore: false,
    noCache: false,
    isPrivate: false,
    isPublic: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    immutable: false,
    onlyIfCached: false,
    noTransform: false,
    maxAge: -1,
    sMaxAge: -1,
    staleWhileRevalidate: -1,
    staleIfError: -1,
    minFresh: -1,
    maxStale: -1,
  };
}

/** Sets the directive that takes no number; false when the name is not one of them. */
function setFlag(control: CacheControl, name: string): boolean {
  // R-CC-2: the argument is never looked at.
  switch (name) {
    case "no-store":
      control.noStore = true;
      return true;
    case "no-cache":
      control.noCache = true;
      return true;
    case "private":
      control.isPrivate = true;
      return true;
    case "public":
      control.isPublic = true;
      return true;
    case "must-revalidate":
      control.mustRevalidate = true;
      return true;
    case "proxy-revalidate":
      control.proxyRevalidate = true;
      return true;
    case "immutable":
      control.immutable = true;
      return true;
    case "only-if-cached":
      control.onlyIfCached = true;
      return true;
    case "no-transform":
      control.noTransform = true;
      return true;
    default:
      return false;
  }
}

function setSeconds(control: CacheControl, name: string, argument: string | null): void {
  switch (name) {
    case "max-age":
      control.maxAge = firstSeconds(control.maxAge, argument);
      return;
    case "s-maxage":
      control.sMaxAge = firstSeconds(control.sMaxAge, argument);
      return;
    case "stale-while-revalidate":
      control.staleWhileRevalidate = firstSeconds(control.staleWhileRevalidate, argument);
      return;
    case "stale-if-error":
      control.staleIfError = firstSeconds(control.staleIfError, argument);
      return;
    case "min-fresh":
      control.minFresh = firstSeconds(control.minFresh, argument);
      return;
    case "max-stale":
      // R-CC-6
      control.maxStale = firstSeconds(control.maxStale, argument === null ? "2147483648" : argument);
      return;
    default:
      return;
  }
}

/** The seconds in force once `argument` has been read after `before`. */
function firstSeconds(before: number, argument: string | null): number {
  // R-CC-3
  if (before >= 0) {
    return before;
  }
  const seconds = argument === null ? -1 : parseDigits(argument);
  // R-CC-4
  if (seconds < 0) {
    return 0;
  }
  // R-CC-5
  return seconds > deltaSecondsMax ? deltaSecondsMax : seconds;
}

/** The text inside a quoted string, its escapes undone (RFC 9110 section 5.6.4); other text as it is. */
function unquoted(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) {
    return text;
  }
  let plain = "";
  let at = 1;
  while (at < text.length - 1) {
    if (text.charCodeAt(at) === 92) {
      at += 1;
    }
    plain += text.charAt(at);
    at += 1;
  }
  return plain;
}
