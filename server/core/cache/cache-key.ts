/**
 * The cache key of an upstream URL: which requests are for one resource (SPEC: R-KEY-1).
 *
 * Signed URLs change their signature at every visit while the resource stays the same, so named query parameters may
 * be left out. All else stays verbatim: two URLs that differ in it may be two resources. The range never takes part.
 */
import { lowerAscii } from "../base/bytes.ts";
import { parameterName, parseAuthority, parseUri, withoutFragment } from "../http/uri-reference.ts";
import { isDirectiveName } from "../playlist/delivery-directives.ts";

/** Names are compared after percent-decoding, with their case; one that ends in `*` stands for all that begin so. */
export type KeyRules = {
  /** Query parameters that take no part. */
  dropParameters: string[];
  /** When not null, the only query parameters that take part. */
  keepParameters: string[] | null;
};

/** The key of an absolute http or https URL; any other text is its own key, without its fragment. */
export function cacheKey(url: string, rules: KeyRules): string {
  const parts = parseUri(url);
  const scheme = parts.scheme === null ? "" : lowerAscii(parts.scheme);
  const authority = parts.authority === null ? null : parseAuthority(parts.authority, scheme);
  // R-KEY-2
  if (authority === null || (scheme !== "http" && scheme !== "https")) {
    return withoutFragment(url);
  }
  // R-KEY-1
  let key = `${scheme}://`;
  if (authority.userinfo !== null) {
    key += `${authority.userinfo}@`;
  }
  key += authority.host;
  const defaultPort = scheme === "http" ? 80 : 443;
  if (authority.port !== defaultPort) {
    key += `:${authority.port}`;
  }
  key += parts.path === "" ? "/" : parts.path;
  const query = parts.query === null ? null : keyQuery(parts.query, rules);
  return query === null ? key : `${key}?${query}`;
}

/** The parameters of `query` that take part, verbatim and in order; null when it had some and none is left. */
function keyQuery(query: string, rules: KeyRules): string | null {
  // R-KEY-3
  if (rules.dropParameters.length === 0 && rules.keepParameters === null) {
    return query;
  }
  const kept: string[] = [];
  for (const parameter of query.split("&")) {
    if (takesPart(parameterName(parameter), rules)) {
      kept.push(parameter);
    }
  }
  // R-KEY-6: a URL whose parameters are all signature is the same resource as the URL without a query.
  return kept.length === 0 ? null : kept.join("&");
}

function takesPart(name: string, rules: KeyRules): boolean {
  // R-KEY-8: the changes of a playlist must never be taken for the playlist.
  if (isDirectiveName(name)) {
    return true;
  }
  // R-KEY-4
  if (matchesAny(name, rules.dropParameters)) {
    return false;
  }
  // R-KEY-5
  return rules.keepParameters === null || matchesAny(name, rules.keepParameters);
}

function matchesAny(name: string, patterns: string[]): boolean {
  for (const pattern of patterns) {
    if (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, pattern.length - 1)) : name === pattern) {
      return true;
    }
  }
  return false;
}
