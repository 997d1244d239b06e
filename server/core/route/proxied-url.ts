/**
 * Writes proxied URLs: the address under which a player reaches an upstream URL through the proxy. The inverse of
 * request-target. URLs are byte strings.
 */
import { lowerAscii, percentEncode } from "../base/bytes.ts";
import { isUpstreamUrl, queryFormPath, type UrlForm } from "./request-target.ts";

/**
 * The proxied URL of an upstream URL. `prefix` comes from `proxyPrefix`. What is not an upstream URL (another scheme,
 * userinfo, no host, raw white space) is returned unchanged, so the player meets it directly.
 */
export function proxiedUrl(prefix: string, form: UrlForm, url: string): string {
  // R-URL-15
  if (!isUpstreamUrl(url)) {
    return url;
  }
  return proxiedUpstreamUrl(prefix, form, url);
}

/** As `proxiedUrl`, for a URL that is already known to pass `isUpstreamUrl`. */
export function proxiedUpstreamUrl(prefix: string, form: UrlForm, url: string): string {
  // R-URL-16
  if (form === "query") {
    return queryFormStart(prefix) + percentEncode(url);
  }
  return `${prefix}/${mirroredPath(url)}`;
}

/** All of a query form URL that stands before the encoded upstream URL. */
export function queryFormStart(prefix: string): string {
  return `${prefix}${queryFormPath}?url=`;
}

/** The start of every proxied URL: `http://127.0.0.1:9000`, and the secret's segment when there is a secret. */
export function proxyPrefix(scheme: string, hostAndPort: string, secret: string): string {
  const start = `${scheme}://${hostAndPort}`;
  // R-URL-17
  return secret === "" ? start : `${start}/~${percentEncode(secret)}`;
}

/**
 * The URI of an EXT-X-RENDITION-REPORT as the player must see it: relative to the player's own URL of the playlist, and
 * resolving to the proxied URL of `url` (rfc8216bis section 4.4.5.4). Both URLs are absolute upstream URLs.
 */
export function renditionReportUrl(form: UrlForm, playlistUrl: string, url: string): string {
  // R-PL-17
  if (form === "query") {
    return `?url=${percentEncode(url)}`;
  }
  return relativePath(mirroredPath(playlistUrl), mirroredPath(url));
}

/** `https/host/path?query`: the upstream URL as a path; scheme in lower case, an empty path made "/". */
function mirroredPath(url: string): string {
  const colon = url.indexOf(":");
  const scheme = lowerAscii(url.slice(0, colon));
  let end = colon + 3;
  while (end < url.length && url[end] !== "/" && url[end] !== "?" && url[end] !== "#") {
    end += 1;
  }
  const rest = url.slice(end);
  // R-URL-12
  return `${scheme}/${url.slice(colon + 3, end)}${rest.startsWith("/") ? rest : `/${rest}`}`;
}

/** The relative-path reference (RFC 3986 section 4.2) that leads from one mirrored path to another. */
function relativePath(from: string, to: string): string {
  const fromPath = beforeAny(from, "?#");
  const toPath = beforeAny(to, "?#");
  let shared = 0;
  let index = 0;
  while (index < fromPath.length && index < toPath.length && fromPath[index] === toPath[index]) {
    index += 1;
    if (fromPath[index - 1] === "/") {
      shared = index;
    }
  }
  let climbs = "";
  for (let position = shared; position < fromPath.length; position += 1) {
    if (fromPath[position] === "/") {
      climbs += "../";
    }
  }
  const rest = to.slice(shared);
  // A reference must not begin with "/", "?", "#" or look like a scheme, else it resolves elsewhere.
  const plain =
    climbs !== "" || (rest !== "" && !"/?#".includes(rest.charAt(0)) && !beforeAny(rest, "/?#").includes(":"));
  return plain ? climbs + rest : `./${rest}`;
}

function beforeAny(text: string, marks: string): string {
  let end = 0;
  while (end < text.length && !marks.includes(text.charAt(end))) {
    end += 1;
  }
  return text.slice(0, end);
}
