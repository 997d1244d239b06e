/**
 * What a request target names (SEMANTICS of the two URL forms; RFC 9112 section 3.2).
 *
 * *Query form*: `/proxy?url=U`, U percent-encoded. *Path form*: `/{http|https}/{authority}/{path}?{query}`, the upstream
 * URL's own bytes, perhaps behind a segment of the proxy's own parameters. With a secret, both start with `/~SECRET`.
 * Targets and URLs are byte strings.
 */

import { equalConstantTime, lowerAscii, percentDecode } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import { formatUri, parseAuthority, parseUri } from "../http/uri-reference.ts";
import type { OwnParameters } from "./own-parameters.ts";
import { hostParameter, noParameters, ownSegmentStart, parseOwnSegment, withParameter } from "./own-parameters.ts";

/** The two ways of writing a proxied URL. */
export type UrlForm = "query" | "path";

/** A target's meaning: an upstream resource, a page of the proxy itself, or a refusal. `query` is without its "?". */
export type Route =
  | { kind: "resource"; form: UrlForm; url: string; own: OwnParameters }
  | { kind: "local"; path: string; query: string }
  | { kind: "error"; code: ErrorCode; detail: string };

/** The path of the query form, below the secret. */
export const queryFormPath = "/proxy";

/** Outer query parameters that are the proxy's own and never travel upstream; all others were added by the player. */
export const ownParameters: string[] = ["url", "as", "define", hostParameter];

/** The one local path that answers without the secret, so that a supervisor needs none. */
const openPath = "/health";

/**
 * Routes one request target (RFC 9112 section 3.2). `secret` is a byte string, "" for none.
 * Errors: bad-request, bad-target, bad-url, forbidden-secret, not-found; no detail quotes the target.
 */
export function parseTarget(target: string, secret: string): Route {
  const origin = originForm(target);
  // R-URL-1, R-URL-2
  if (origin === null || !isTargetText(origin)) {
    return failure("bad-request", "The request target is not a path and query without white space, controls or #");
  }
  const mark = origin.indexOf("?");
  const wholePath = mark < 0 ? origin : origin.slice(0, mark);
  const query = mark < 0 ? "" : origin.slice(mark + 1);
  const access = checkSecret(wholePath, secret);
  if (access.kind !== "open") {
    return access;
  }
  const path = access.path;
  if (path === queryFormPath) {
    return queryRoute(query);
  }
  if (path.startsWith(ownSegmentStart)) {
    return segmentRoute(path, query, mark >= 0);
  }
  // R-URL-14
  return pathRoute(path, query, mark >= 0, noParameters()) ?? { kind: "local", path, query };
}

/** The authority of an absolute-form target (RFC 9112 section 3.2.2), which outranks the Host field; else null. */
export function targetAuthority(target: string): string | null {
  const start = absoluteFormStart(target);
  if (start < 0) {
    return null;
  }
  return target.slice(start, authorityEnd(target, start));
}

/**
 * True when the text is an absolute http or https URL that may be sent upstream: usable authority, no userinfo, no byte
 * that would break a request line. Scheme in any case; a fragment is allowed.
 */
export function isUpstreamUrl(url: string): boolean {
  return upstreamUrlFault(url) === "";
}

/** An absolute URL with its scheme in lower case: schemes ignore case (RFC 3986 section 3.1), and both forms agree then. */
export function lowerScheme(url: string): string {
  const colon = url.indexOf(":");
  return lowerAscii(url.slice(0, colon)) + url.slice(colon);
}

function failure(code: ErrorCode, detail: string): Route {
  return { kind: "error", code, detail };
}

/** The target as origin-form, "" path made "/"; null when it is neither origin-form nor http(s) absolute-form. */
function originForm(target: string): string | null {
  if (target.startsWith("/")) {
    return target;
  }
  const start = absoluteFormStart(target);
  if (start < 0) {
    return null;
  }
  // R-URL-3
  const end = authorityEnd(target, start);
  const rest = target.slice(end);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function absoluteFormStart(target: string): number {
  const head = lowerAscii(target.slice(0, 8));
  if (head.startsWith("http://")) {
    return 7;
  }
  return head === "https://" ? 8 : -1;
}

function authorityEnd(target: string, start: number): number {
  let end = start;
  while (end < target.length) {
    const char = target[end];
    if (char === "/" || char === "?" || char === "#") {
      return end;
    }
    end += 1;
  }
  return end;
}

/** No white space, no control, no "#": all that would end or split a request line. Bytes from 0x80 pass. */
function isTargetText(text: string): boolean {
  return isLineText(text) && !text.includes("#");
}

function isLineText(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f) {
      return false;
    }
  }
  return true;
}

type Access = { kind: "open"; path: string } | Extract<Route, { kind: "error" }>;

/** Takes the secret's segment off the path, or refuses. */
function checkSecret(path: string, secret: string): Access {
  const prefixed = path.startsWith("/~");
  if (secret === "") {
    // R-URL-4
    return prefixed
      ? { kind: "error", code: "not-found", detail: "The proxy runs without a secret" }
      : { kind: "open", path };
  }
  if (!prefixed) {
    // R-URL-5
    return path === openPath
      ? { kind: "open", path }
      : { kind: "error", code: "forbidden-secret", detail: "The path does not start with the secret" };
  }
  const slash = path.indexOf("/", 2);
  const given = percentDecode(slash < 0 ? path.slice(2) : path.slice(2, slash));
  // R-URL-6
  if (given === null || !equalConstantTime(given, secret)) {
    return { kind: "error", code: "forbidden-secret", detail: "The secret in the path is wrong" };
  }
  return { kind: "open", path: slash < 0 ? "/" : path.slice(slash) };
}

function queryRoute(query: string): Route {
  let own = noParameters();
  let encoded = "";
  let found = 0;
  let host: string | null = null;
  const added: string[] = [];
  for (const piece of query.split("&")) {
    const equals = piece.indexOf("=");
    const name = equals < 0 ? piece : piece.slice(0, equals);
    if (name === "url") {
      found += 1;
      encoded = equals < 0 ? "" : piece.slice(equals + 1);
    } else if (name === hostParameter) {
      host = piece.slice(hostParameter.length + 1);
    } else if (ownParameters.includes(name)) {
      const more = withParameter(own, name, equals < 0 ? "" : piece.slice(equals + 1));
      // R-URL-19
      if (more === null) return badParameters();
      own = more;
    } else if (piece !== "") {
      added.push(piece);
    }
  }
  // R-URL-7
  if (found !== 1 || encoded === "") {
    return failure("bad-target", "The query needs exactly one url parameter with a value");
  }
  // R-URL-8
  const decoded = percentDecode(encoded);
  if (decoded === null) {
    return failure("bad-url", "The url parameter holds a malformed percent-escape");
  }
  return resourceRoute("query", decoded, added, own, host);
}

/** The path form behind a segment of own parameters. */
function segmentRoute(path: string, query: string, hasQuery: boolean): Route {
  const slash = path.indexOf("/", ownSegmentStart.length);
  const own = slash < 0 ? null : parseOwnSegment(path.slice(ownSegmentStart.length, slash));
  // R-URL-19
  if (own === null) return badParameters();
  return pathRoute(path.slice(slash), query, hasQuery, own) ?? badParameters();
}

function badParameters(): Route {
  return failure("bad-target", "The proxy's own parameters are malformed or stand where none may");
}

/** The path form; null for every other path. */
function pathRoute(path: string, query: string, hasQuery: boolean, own: OwnParameters): Route | null {
  if (path.startsWith("/http/") || path === "/http") {
    return mirrorRoute("http", path.slice(6), query, hasQuery, own);
  }
  if (path.startsWith("/https/") || path === "/https") {
    return mirrorRoute("https", path.slice(7), query, hasQuery, own);
  }
  return null;
}

function mirrorRoute(scheme: string, rest: string, query: string, hasQuery: boolean, own: OwnParameters): Route {
  const slash = rest.indexOf("/");
  const authority = unescapeBrackets(slash < 0 ? rest : rest.slice(0, slash));
  // R-URL-12
  const path = slash < 0 ? "/" : rest.slice(slash);
  const url = `${scheme}://${authority}${path}`;
  if (!query.includes(hostParameter)) return resourceRoute("path", hasQuery ? `${url}?${query}` : url, [], own, null);
  let host: string | null = null;
  const kept: string[] = [];
  for (const piece of query.split("&")) {
    // R-URL-20
    if (piece.startsWith(`${hostParameter}=`)) host = piece.slice(hostParameter.length + 1);
    else kept.push(piece);
  }
  return resourceRoute("path", kept.length === 0 ? url : `${url}?${kept.join("&")}`, [], own, host);
}

/** Some URL libraries escape the brackets and colons of an IPv6 literal when it stands in a path. */
function unescapeBrackets(authority: string): string {
  let out = "";
  let index = 0;
  while (index < authority.length) {
    const triplet = authority.slice(index, index + 3).toUpperCase();
    // R-URL-13
    const plain = triplet === "%5B" ? "[" : triplet === "%5D" ? "]" : triplet === "%3A" ? ":" : "";
    out += plain === "" ? authority.slice(index, index + 1) : plain;
    index += plain === "" ? 1 : 3;
  }
  return out;
}

function resourceRoute(form: UrlForm, text: string, added: string[], own: OwnParameters, host: string | null): Route {
  const fault = upstreamUrlFault(text);
  // R-URL-9
  if (fault !== "") {
    return failure("bad-url", fault);
  }
  const hash = text.indexOf("#");
  // R-URL-10
  const plain = lowerScheme(hash < 0 ? text : text.slice(0, hash));
  const url = host === null ? plain : withHost(plain, host);
  // R-URL-20
  if (url === "") return badParameters();
  return { kind: "resource", form, url: added.length === 0 ? url : setQuery(url, added), own };
}

/** Why the text is not a usable upstream URL, as a sentence that quotes nothing of it; "" when it is usable. */
function upstreamUrlFault(text: string): string {
  const parts = parseUri(text);
  if (parts.scheme === null) {
    return "The URL is not absolute";
  }
  const scheme = lowerAscii(parts.scheme);
  if (scheme !== "http" && scheme !== "https") {
    return "The URL's scheme is not http or https";
  }
  if (!isLineText(text)) {
    return "The URL holds white space or a control byte";
  }
  if (parts.authority === null || parts.authority === "") {
    return "The URL has no host";
  }
  if (parts.authority.includes("@")) {
    return "The URL holds a user name or password";
  }
  if (parts.authority.includes("\\") || parseAuthority(parts.authority, scheme) === null) {
    return "The URL's host or port is malformed";
  }
  return "";
}

/** The URL with an encoded host in its host's place, its port kept; "" when that is no host. */
function withHost(url: string, encoded: string): string {
  const host = percentDecode(encoded) ?? "";
  const parts = parseUri(url);
  const port = portOf(parts.authority ?? "");
  const scheme = parts.scheme ?? "";
  const known = host.includes("@") ? null : parseAuthority(host, scheme);
  // R-URL-20
  return known === null || known.host !== lowerAscii(host) ? "" : formatUri({ ...parts, authority: host + port });
}

/** The port of an authority with its colon; "" when it has none. */
function portOf(authority: string): string {
  const colon = authority.lastIndexOf(":");
  return colon > authority.lastIndexOf("]") ? authority.slice(colon) : "";
}

/** The URL with what the player added, raw: in the place of parameters of the same name, else at the end, in order. */
function setQuery(url: string, added: string[]): string {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const names = new Set(added.map(writtenName));
  const pieces: string[] = [];
  const placed = new Set<string>();
  for (const piece of mark < 0 || mark === url.length - 1 ? [] : url.slice(mark + 1).split("&")) {
    const name = writtenName(piece);
    // R-URL-11
    if (!names.has(name)) pieces.push(piece);
    else if (!placed.has(name)) pieces.push(...added.filter((one) => writtenName(one) === name));
    if (names.has(name)) placed.add(name);
  }
  return `${path}?${pieces.concat(added.filter((piece) => !placed.has(writtenName(piece)))).join("&")}`;
}

function writtenName(piece: string): string {
  const equals = piece.indexOf("=");
  return equals < 0 ? piece : piece.slice(0, equals);
}
