/**
 * Maps one URI of a playlist to what the player shall read in its place: resolved against the playlist's own URL, then
 * proxied. All that depends only on the playlist is prepared once. URIs are byte strings.
 */
import { percentEncode } from "../base/bytes.ts";
import { parseUri, resolveReference, type UriParts } from "../http/uri-reference.ts";
import { proxiedUpstreamUrl, renditionReportUrl } from "../route/proxied-url.ts";
import { isUpstreamUrl, type UrlForm } from "../route/request-target.ts";

/** What the mapping depends on. `directory` is the URL that a plain relative reference is appended to, "" for none. */
export type UriMapper = {
  prefix: string;
  form: UrlForm;
  base: UriParts;
  baseUrl: string;
  directory: string;
  proxiedDirectory: string;
};

/** Prepares a mapper. `prefix` is the proxy's (proxyPrefix); `baseUrl` the playlist's final absolute URL. */
export function uriMapper(prefix: string, form: UrlForm, baseUrl: string): UriMapper {
  const url = escapeUri(baseUrl);
  const base = parseUri(url);
  const usable = isUpstreamUrl(url);
  const directory = usable ? resolveReference(base, ".") : "";
  const proxiedDirectory = usable ? proxiedUpstreamUrl(prefix, form, directory) : "";
  return { prefix, form, base, baseUrl: url, directory, proxiedDirectory };
}

/** The absolute upstream URL that a reference means, escaped; "" when it is not an upstream URL (skd:, data:, userinfo). */
export function upstreamUri(mapper: UriMapper, reference: string): string {
  if (mapper.directory !== "" && isPlainReference(reference)) {
    return mapper.directory + reference;
  }
  // R-PL-18
  const url = resolveReference(mapper.base, escapeUri(reference));
  // R-PL-19
  return isUpstreamUrl(url) ? url : "";
}

/** The proxied URL for a reference; "" when the reference must stay as it is. */
export function mapUri(mapper: UriMapper, reference: string): string {
  if (mapper.directory !== "" && isPlainReference(reference)) {
    return mapper.proxiedDirectory + (mapper.form === "query" ? percentEncode(reference) : reference);
  }
  const url = upstreamUri(mapper, reference);
  return url === "" ? "" : proxiedUpstreamUrl(mapper.prefix, mapper.form, url);
}

/** What a rendition report's URI becomes; "" when it must stay as it is. */
export function mapReportUri(mapper: UriMapper, reference: string): string {
  // R-PL-17
  if (mapper.form === "path" && isRelativePath(reference)) {
    return "";
  }
  const url = upstreamUri(mapper, reference);
  return url === "" ? "" : renditionReportUrl(mapper.form, mapper.baseUrl, url);
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

/**
 * True for a reference that resolving would merely append to the base's directory: a relative path without ":", dot
 * segments or fragment. A quick test that may say no to a reference which is plain.
 */
function isPlainReference(reference: string): boolean {
  let previous = 0x2f;
  for (let at = 0; at < reference.length; at += 1) {
    const code = reference.charCodeAt(at);
    const lower = code | 0x20;
    if ((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39)) {
      previous = code;
      continue;
    }
    // "." after "/" may be a dot segment; "/" and "?" at the start mean something else.
    const dotOrSlash = code === 0x2e || code === 0x2f;
    if (dotOrSlash ? previous === 0x2f : at === 0 || !plainMarks.includes(reference.charAt(at))) {
      return false;
    }
    previous = code;
  }
  return reference.length > 0;
}

/** A relative-path reference (RFC 3986 section 4.2): no scheme, and neither "/", "?" nor "#" at its start. */
function isRelativePath(reference: string): boolean {
  const parts = parseUri(reference);
  return parts.scheme === null && parts.authority === null && parts.path !== "" && !parts.path.startsWith("/");
}
