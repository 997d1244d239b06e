/**
 * Maps one URI of a playlist to what the player shall read in its place: resolved against the playlist's own URL, then
 * proxied. All that depends only on the playlist is prepared once. URIs are byte strings.
 */
import { percentEncode } from "../base/bytes.ts";
import { parseUri, resolveReference, type UriParts } from "../http/uri-reference.ts";
import { proxiedUpstreamUrl, renditionReportUrl } from "../route/proxied-url.ts";
import { isUpstreamUrl, lowerScheme, type UrlForm } from "../route/request-target.ts";

/**
 * A *shortcut*: a text that references may start with, and what it stands for. When the rest of a reference is plain,
 * resolving it merely appends the rest.
 */
export type Shortcut = { start: string; upstream: string; proxied: string };

/**
 * What the mapping depends on. `above` is for "../", "../../" and so on; `learned` for the latest absolute URL; `room`
 * is what the upstream URLs that it is yet asked for may come to, in bytes, -1 for no bound.
 */
export type UriMapper = {
  prefix: string;
  form: UrlForm;
  base: UriParts;
  here: Shortcut;
  root: Shortcut;
  above: Shortcut[];
  learned: Shortcut;
  room: number;
};

/** What the upstream URLs may come to that are read off one playlist, in bytes: each may be as long as its base. */
const readBytesMax = 67_108_864;

/** Prepares a mapper. `prefix` is the proxy's (proxyPrefix); `baseUrl` the playlist's final absolute upstream URL. */
export function uriMapper(prefix: string, form: UrlForm, baseUrl: string): UriMapper {
  const base = parseUri(escapeUri(baseUrl));
  const here = shortcut(prefix, form, "", resolveReference(base, "."));
  const root = shortcut(prefix, form, "/", resolveReference(base, "/"));
  const learned = shortcut(prefix, form, here.upstream, here.upstream);
  const above: Shortcut[] = [];
  let start = "../";
  while (above.length < climbsMax) {
    above.push(shortcut(prefix, form, start, resolveReference(base, start)));
    start += "../";
  }
  return { prefix, form, base, here, root, above, learned, room: -1 };
}

/** Prepares a mapper for what the proxy reads for itself: it gives upstream URLs, no more than there is room for. */
export function uriReader(baseUrl: string): UriMapper {
  return { ...uriMapper("", "path", baseUrl), room: readBytesMax };
}

/**
 * The absolute upstream URL that a reference means, escaped; "" when it is not an upstream URL (skd:, data:, userinfo)
 * or there is no room for more of them.
 */
export function upstreamUri(mapper: UriMapper, reference: string): string {
  if (mapper.room === -1) return resolvedUri(mapper, reference);
  const url = mapper.room === 0 ? "" : resolvedUri(mapper, reference);
  // R-PL-24
  mapper.room = Math.max(0, mapper.room - url.length);
  return mapper.room === 0 ? "" : url;
}

function resolvedUri(mapper: UriMapper, reference: string): string {
  const near = shortcutFor(mapper, reference);
  if (near !== null) {
    return near.upstream + reference.slice(near.start.length);
  }
  // R-PL-18
  const url = resolveReference(mapper.base, escapeUri(reference));
  // R-PL-19
  if (!isUpstreamUrl(url)) {
    return "";
  }
  learn(mapper, reference, url);
  return lowerScheme(url);
}

/** The proxied URL for a reference; "" when the reference must stay as it is. */
export function mapUri(mapper: UriMapper, reference: string): string {
  const near = shortcutFor(mapper, reference);
  if (near !== null) {
    const rest = reference.slice(near.start.length);
    return near.proxied + (mapper.form === "query" ? percentEncode(rest) : rest);
  }
  const url = upstreamUri(mapper, reference);
  return url === "" ? "" : proxiedUpstreamUrl(mapper.prefix, mapper.form, url);
}

/**
 * What a rendition report's URI becomes; "" when it must stay as it is. `playerUrl` is the upstream URL under which the
 * player asked for the playlist: it knows no redirect.
 */
export function mapReportUri(mapper: UriMapper, reference: string, playerUrl: string): string {
  const url = upstreamUri(mapper, reference);
  // R-PL-17
  if (url === "" || (mapper.form === "path" && leadsTo(playerUrl, reference, url))) {
    return "";
  }
  return renditionReportUrl(mapper.form, playerUrl, url);
}

/**
 * The text with every byte that no URI may hold percent-escaped (RFC 3986 section 2), as a player does before it asks;
 * escapes that are there already, even malformed ones, stay.
 */
export function escapeUri(text: string): string {
  let escaped = "";
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    // R-PL-18
    if (code <= 0x20 || code >= 0x7f || neverInUri.includes(text.charAt(at))) {
      escaped += text.slice(copied, at) + percentEncode(text.charAt(at));
      copied = at + 1;
    }
  }
  return copied === 0 ? text : escaped + text.slice(copied);
}

const neverInUri = '"<>\\^`{|}';

/** The marks that may stand in a plain reference beside letters, digits, "." and "/". */
const plainMarks = "-_~?=&%+,;@!$'()*";

/** Levels of "../" that have a shortcut; deeper references are resolved the long way. */
const climbsMax = 4;

/** The upstream is "" when it is not an upstream URL, and the shortcut then holds for nothing. */
function shortcut(prefix: string, form: UrlForm, start: string, upstream: string): Shortcut {
  if (!isUpstreamUrl(upstream)) {
    return { start, upstream: "", proxied: "" };
  }
  return { start, upstream, proxied: proxiedUpstreamUrl(prefix, form, upstream) };
}

/** The shortcut that holds for the reference; null when it must be resolved the long way. */
function shortcutFor(mapper: UriMapper, reference: string): Shortcut | null {
  let near: Shortcut | null = mapper.here;
  if (reference.startsWith("/")) {
    near = mapper.root;
  } else if (reference.startsWith("../")) {
    near = mapper.above[climbs(reference) - 1] ?? null;
  } else if (reference.startsWith("http") && reference.startsWith(mapper.learned.start)) {
    near = mapper.learned;
  }
  return near !== null && near.upstream !== "" && isPlainFrom(reference, near.start.length) ? near : null;
}

/** How often the reference climbs at its start. */
function climbs(reference: string): number {
  let count = 0;
  while (reference.startsWith("../", count * 3)) {
    count += 1;
  }
  return count;
}

/** Keeps an absolute reference's directory when it survived resolving unchanged: its neighbours will share it. */
function learn(mapper: UriMapper, reference: string, url: string): void {
  const query = url.indexOf("?");
  const end = url.lastIndexOf("/", query < 0 ? url.length : query) + 1;
  if (reference === url && end > "https://".length) {
    const directory = url.slice(0, end);
    mapper.learned = shortcut(mapper.prefix, mapper.form, directory, directory);
  }
}

/**
 * True when the rest of a reference is a relative path without ":", dot segments or fragment, all of URI bytes. A quick
 * test that may say no to what is plain.
 */
function isPlainFrom(reference: string, start: number): boolean {
  let previous = slash;
  for (let at = start; at < reference.length; at += 1) {
    const code = reference.charCodeAt(at);
    const lower = code | 0x20;
    if ((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39)) {
      previous = code;
      continue;
    }
    // "." after "/" may be a dot segment; "/" and "?" at the start mean something else.
    const dotOrSlash = code === 0x2e || code === slash;
    if (dotOrSlash ? previous === slash : at === start || !plainMarks.includes(reference.charAt(at))) {
      return false;
    }
    previous = code;
  }
  return reference.length > start;
}

const slash = 0x2f;

/** Whether a relative path leads a player in path form to the URL that it means: not above the host, nor after a redirect. */
function leadsTo(playerUrl: string, reference: string, url: string): boolean {
  const own = parseUri(proxiedUpstreamUrl("http://p", "path", playerUrl));
  const reached = resolveReference(own, escapeUri(reference));
  return isRelativePath(reference) && reached === proxiedUpstreamUrl("http://p", "path", url);
}

/** A relative-path reference (RFC 3986 section 4.2): no scheme, and neither "/", "?" nor "#" at its start. */
function isRelativePath(reference: string): boolean {
  const parts = parseUri(reference);
  return parts.scheme === null && parts.authority === null && parts.path !== "" && !parts.path.startsWith("/");
}
