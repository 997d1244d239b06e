import { isDigit, lowerAscii, parseDigits, percentDecode } from "../base/bytes.ts";

/**
 * A URI reference in its five parts (RFC 3986 section 3), delimiters left out, bytes as they came. Null means that
 * the part is absent, which "" does not: "a?" has an empty query, "a" has none.
 */
export type UriParts = {
  scheme: string | null;
  authority: string | null;
  path: string;
  query: string | null;
  fragment: string | null;
};

/** An authority in its parts. The host is in lower case, an IPv6 address in its brackets; the port is never absent. */
export type Authority = { userinfo: string | null; host: string; port: number };

/** Splits a URI reference (RFC 3986 appendix B); never fails, as every text is one. */
export function parseUri(text: string): UriParts {
  let rest = text;
  let scheme: string | null = null;
  let authority: string | null = null;
  let query: string | null = null;
  let fragment: string | null = null;
  const hash = rest.indexOf("#");
  if (hash >= 0) {
    fragment = rest.slice(hash + 1);
    rest = rest.slice(0, hash);
  }
  const question = rest.indexOf("?");
  if (question >= 0) {
    query = rest.slice(question + 1);
    rest = rest.slice(0, question);
  }
  // R-URI-1: a slash before the colon ends the scan, so "a/b:c" is a path.
  const colon = schemeLength(rest);
  if (colon > 0) {
    scheme = rest.slice(0, colon);
    rest = rest.slice(colon + 1);
  }
  if (rest.startsWith("//")) {
    const slash = rest.indexOf("/", 2);
    const end = slash < 0 ? rest.length : slash;
    authority = rest.slice(2, end);
    rest = rest.slice(end);
  }
  return { scheme, authority, path: rest, query, fragment };
}

/** A URL without its fragment, which never travels (RFC 9110 section 4.2.5). */
export function withoutFragment(url: string): string {
  const mark = url.indexOf("#");
  return mark < 0 ? url : url.slice(0, mark);
}

/** Puts the parts together again (RFC 3986 section 5.3); the inverse of parseUri, byte for byte. */
export function formatUri(parts: UriParts): string {
  // R-URI-2
  const scheme = parts.scheme === null ? "" : `${parts.scheme}:`;
  const authority = parts.authority === null ? "" : `//${parts.authority}`;
  const query = parts.query === null ? "" : `?${parts.query}`;
  const fragment = parts.fragment === null ? "" : `#${parts.fragment}`;
  return scheme + authority + parts.path + query + fragment;
}

/** The path without its "." and ".." segments (RFC 3986 section 5.2.4); "%2e" is no dot, as no byte is decoded. */
export function removeDotSegments(path: string): string {
  // Most paths have nothing to remove.
  if (!path.startsWith(".") && path.indexOf("/.") < 0) {
    return path;
  }
  // A list, not a growing text: a hostile path of many megabytes stays linear.
  const kept: string[] = [];
  let at = leadingDots(path);
  while (at < path.length) {
    const slash = path.indexOf("/", at + 1);
    const end = slash < 0 ? path.length : slash;
    const segment = path.slice(at, end);
    const up = segment === "/..";
    // R-URI-3
    if (up) {
      kept.pop();
    } else if (segment !== "/.") {
      kept.push(segment);
    }
    // A dot segment at the very end leaves its slash behind.
    if (slash < 0 && (up || segment === "/.")) {
      kept.push("/");
    }
    at = end;
  }
  return kept.join("");
}

/**
 * The URI that `reference` means, seen from `base` (RFC 3986 section 5.2.2, strict). No byte is normalised but for dot
 * segments; the reference's fragment stays.
 */
export function resolveReference(base: UriParts, reference: string): string {
  const parts = parseUri(reference);
  // R-URI-4
  if (parts.scheme !== null) {
    parts.path = removeDotSegments(parts.path);
    return formatUri(parts);
  }
  parts.scheme = base.scheme;
  if (parts.authority !== null) {
    parts.path = removeDotSegments(parts.path);
    return formatUri(parts);
  }
  parts.authority = base.authority;
  if (parts.path.length === 0) {
    parts.path = base.path;
    parts.query = parts.query === null ? base.query : parts.query;
  } else if (parts.path.startsWith("/")) {
    parts.path = removeDotSegments(parts.path);
  } else {
    parts.path = removeDotSegments(mergedPath(base, parts.path));
  }
  return formatUri(parts);
}

/** "scheme://host:port" in lower case, the default port left out; "" when the URL is not a usable http(s) one. */
export function originOf(url: string): string {
  const parts = parseUri(url);
  const scheme = parts.scheme === null ? "" : lowerAscii(parts.scheme);
  const authority = parts.authority === null ? null : parseAuthority(parts.authority, scheme);
  // R-URI-7
  if ((scheme !== "http" && scheme !== "https") || authority === null) {
    return "";
  }
  const port = authority.port === defaultPort(scheme) ? "" : `:${authority.port}`;
  return `${scheme}://${authority.host}${port}`;
}

/**
 * Takes an authority apart (RFC 3986 section 3.2); null when the host is empty or no DNS name or IP literal, when the
 * port is no number from 1 to 65535, or when there is more than one "@". An absent or empty port is the default one of
 * the scheme (80, 443), and -1 for other schemes.
 */
export function parseAuthority(authority: string, scheme: string): Authority | null {
  const userEnd = authority.indexOf("@");
  const userinfo = userEnd < 0 ? null : authority.slice(0, userEnd);
  const hostPort = authority.slice(userEnd + 1);
  const close = hostPort.startsWith("[") ? hostPort.indexOf("]") : -1;
  const hostEnd = close >= 0 ? close + 1 : colonOrEnd(hostPort);
  const host = lowerAscii(hostPort.slice(0, hostEnd));
  // R-URI-5
  if (close >= 0 ? !isAddressLiteral(host) : !isHostName(host)) {
    return null;
  }
  const portPart = hostPort.slice(hostEnd);
  if (portPart.length <= 1) {
    return portPart === "" || portPart === ":" ? { userinfo, host, port: defaultPort(lowerAscii(scheme)) } : null;
  }
  const port = portPart.startsWith(":") ? parseDigits(portPart.slice(1)) : -1;
  // R-URI-6
  return port >= 1 && port <= 65535 ? { userinfo, host, port } : null;
}

/** True for an absolute http or https URL with a usable authority and no control byte or space (R-URI-8). */
export function isHttpUrl(url: string): boolean {
  for (let at = 0; at < url.length; at += 1) {
    const code = url.charCodeAt(at);
    // R-URI-8: such a byte cannot stand in a request line.
    if (code <= 32 || code === 127) {
      return false;
    }
  }
  return originOf(url).length > 0;
}

/** The decoded name of a query's `name=value`; a malformed escape is taken as it stands (R-KEY-4). */
export function parameterName(parameter: string): string {
  const equals = parameter.indexOf("=");
  const raw = equals < 0 ? parameter : parameter.slice(0, equals);
  return percentDecode(raw) ?? raw;
}

/** The length of the scheme that the text begins with, 0 when it begins with none (RFC 3986 section 3.1). */
function schemeLength(text: string): number {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 58) {
      return at;
    }
    const later = at > 0 && (isDigit(code) || code === 43 || code === 45 || code === 46);
    if (!later && !isLetter(code)) {
      return 0;
    }
  }
  return 0;
}

/** The length of the dot segments that a relative path begins with (RFC 3986 section 5.2.4, steps A and D). */
function leadingDots(path: string): number {
  let at = 0;
  while (path.startsWith("../", at) || path.startsWith("./", at)) {
    at += path.startsWith("./", at) ? 2 : 3;
  }
  const rest = path.length - at;
  const onlyDots = (rest === 1 && path.endsWith(".")) || (rest === 2 && path.endsWith(".."));
  return onlyDots ? path.length : at;
}

/** RFC 3986 section 5.2.3. */
function mergedPath(base: UriParts, path: string): string {
  if (base.authority !== null && base.path.length === 0) {
    return `/${path}`;
  }
  return base.path.slice(0, base.path.lastIndexOf("/") + 1) + path;
}

function defaultPort(lowerScheme: string): number {
  if (lowerScheme === "http") {
    return 80;
  }
  return lowerScheme === "https" ? 443 : -1;
}

function colonOrEnd(text: string): number {
  const colon = text.indexOf(":");
  return colon < 0 ? text.length : colon;
}

/** A DNS name or IPv4 address: unreserved bytes only, as an encoded or exotic one could mean another host further on. */
function isHostName(host: string): boolean {
  for (let at = 0; at < host.length; at += 1) {
    const code = host.charCodeAt(at);
    const mark = code === 45 || code === 46 || code === 95 || code === 126;
    if (!mark && !isDigit(code) && !isLetter(code)) {
      return false;
    }
  }
  return host.length > 0;
}

/** An IPv6 address in brackets, by its alphabet; whether it is one, the address check decides. No zone, no IPvFuture. */
function isAddressLiteral(host: string): boolean {
  let colons = 0;
  for (let at = 1; at + 1 < host.length; at += 1) {
    const code = host.charCodeAt(at);
    colons += code === 58 ? 1 : 0;
    if (!isDigit(code) && code !== 58 && code !== 46 && !(code >= 97 && code <= 102)) {
      return false;
    }
  }
  return colons >= 2;
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
