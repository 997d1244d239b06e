/** A request as it came off the wire: refused, a page of the proxy's own, or an exchange. */
import { isToken, lowerAscii } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import { cacheKey } from "../cache/cache-key.ts";
import { requestControl } from "../cache/request-control.ts";
import { identityKey } from "../cache/variant.ts";
import { parseRange, rangeText } from "../http/byte-range.ts";
import type { FieldList } from "../http/field-list.ts";
import { fieldCount, fieldFirst, fieldRemove } from "../http/field-list.ts";
import { isPlaylistUrl } from "../http/media-type.ts";
import { isDirectedUrl } from "../playlist/delivery-directives.ts";
import type { PlaylistPart } from "../playlist/playlist-part.ts";
import { newNote } from "../response/cache-status.ts";
import { problemBody } from "../response/problem-body.ts";
import type { ResponseHead } from "../response/response-head.ts";
import { responseHead } from "../response/response-head.ts";
import { hostAllowed } from "../route/host-check.ts";
import type { OwnParameters } from "../route/own-parameters.ts";
import { noParameters } from "../route/own-parameters.ts";
import { proxyPrefix } from "../route/proxied-url.ts";
import type { UrlForm } from "../route/request-target.ts";
import { parseTarget, targetAuthority } from "../route/request-target.ts";
import { upstreamUrlAllowed } from "../route/upstream-access.ts";
import { controlHead, controlProblem } from "./control-answer.ts";
import type { ControlCommand } from "./control-command.ts";
import { controlCommand, controlFault, isControlPath } from "./control-command.ts";
import { planExchange } from "./exchange-plan.ts";
import { finishExchange, plainParts, problemHead } from "./problem.ts";
import type { Exchange, PlayerRequest, ProxyState } from "./proxy-state.ts";
import { keyOf } from "./proxy-state.ts";
import { isWorthFetching } from "./start-ahead.ts";
import type { KnownTarget } from "./target-memory.ts";
import { recallTarget, rememberTarget } from "./target-memory.ts";

export type Admission =
  | { kind: "exchange"; exchange: Exchange }
  /** A page of the proxy's own, for the edge to answer. */
  | { kind: "local"; path: string; query: string }
  /** A command for the proxy itself. */
  | { kind: "control"; command: ControlCommand }
  /** The answer, complete. */
  | { kind: "answer"; head: ResponseHead; content: string };

/** Admits a request. An exchange is planned by `startExchange` once the edge knows it. */
export function admitRequest(state: ProxyState, request: PlayerRequest, nowMs: number): Admission {
  const fields = request.fields;
  // R-HTTP-1
  if (request.target.length > state.options.limits.targetBytesMax)
    return refuse(state, request, "target-too-long", "", nowMs);
  const authority = targetAuthority(request.target);
  const host = authority ?? fieldFirst(fields, "host");
  const allowed = hostAllowed(
    host,
    fieldCount(fields, "host"),
    request.localAddress,
    request.localPort,
    state.options.allowedHosts,
  );
  // R-HTTP-2: two Host fields are two readings of one request.
  if (fieldCount(fields, "host") > 1) return refuse(state, request, "bad-request", "more than one Host field", nowMs);
  if (allowed === "missing" && request.httpMinor === 1)
    return refuse(state, request, "bad-request", "exactly one Host field is needed", nowMs);
  if (allowed === "wrong")
    return refuse(state, request, "wrong-host", "use 127.0.0.1, localhost, or a name allowed by option", nowMs);
  const isRead = request.method === "GET" || request.method === "HEAD" || request.method === "OPTIONS";
  const isServed = isRead || isCommand(state, request);
  // R-HTTP-3, R-PASS-1
  if (!isServed && !mayPass(state, request.method)) return refuse(state, request, "method-not-allowed", "", nowMs);
  // R-HTTP-4: content on a GET has no meaning, and is a way to smuggle.
  if (isServed && hasContent(request))
    return refuse(state, request, "bad-request", "this method takes no content", nowMs);
  let target = recallTarget(state.targets, request.target);
  if (target === null) {
    const route = parseTarget(request.target, state.options.secret);
    if (route.kind === "error") return refuse(state, request, route.code, route.detail, nowMs);
    if (route.kind === "local" && isControlPath(route.path)) {
      return admitControl(state, request, route.path, route.query, nowMs);
    }
    if (route.kind === "local") {
      if (request.method === "OPTIONS") return preflight(state, request, servedMethods, nowMs);
      if (!isServed) return refuse(state, request, "method-not-allowed", "", nowMs);
      return { kind: "local", path: route.path, query: route.query };
    }
    target = targetOf(state, route.form, route.url, route.own);
    rememberTarget(state.targets, request.target, target);
  }
  if (request.method === "OPTIONS") return preflight(state, request, allowedMethods(state, request), nowMs);
  const prefix = proxyPrefix("http", host ?? localAuthority(request), state.options.secret);
  return { kind: "exchange", exchange: newExchange(state, request, target, prefix, nowMs) };
}

/** Whether a request that is none of a player's is a command. */
function isCommand(state: ProxyState, request: PlayerRequest): boolean {
  const route = request.method === "POST" ? parseTarget(request.target, state.options.secret) : null;
  return route?.kind === "local" && isControlPath(route.path);
}

function admitControl(
  state: ProxyState,
  request: PlayerRequest,
  path: string,
  query: string,
  nowMs: number,
): Admission {
  // R-CTRL-4: no page is told that it may.
  const isPreflight = request.method === "OPTIONS";
  const detail = isPreflight ? "control has no preflight" : controlFault(request.method, request.fields);
  if (detail !== null) {
    const answer = controlProblem("forbidden-page", detail);
    const content = request.method === "HEAD" ? "" : answer.content;
    return { kind: "answer", head: controlHead(state, request, answer, nowMs), content };
  }
  return { kind: "control", command: controlCommand(request.method, path, query) };
}

/** Plans an exchange that was admitted or begun. */
export function startExchange(state: ProxyState, exchange: Exchange, nowMs: number): void {
  // What it was begun for may have been cancelled meanwhile.
  if (exchange.state === "done") return;
  // R-AHEAD-7: what it was begun for may be on its way by now.
  if (exchange.ahead && !isWorthFetching(state, exchange, nowMs)) finishExchange(state, exchange, nowMs);
  else planExchange(state, exchange, nowMs);
}

/** Begins an exchange without a player: its bytes are fetched in the background and kept. */
export function backgroundExchange(state: ProxyState, part: PlaylistPart, own: OwnParameters, nowMs: number): Exchange {
  const fields = part.end === -1 ? [] : ["Range", rangeText(part.start, part.end)];
  // R-PRE-1
  return unheardExchange(state, fields, "query", part.url, own, "", nowMs);
}

/** Begins an exchange that asks an origin whether what is stored of a URL is current, for requests with these fields. */
export function validationExchange(state: ProxyState, url: string, fields: FieldList, nowMs: number): Exchange {
  const exchange = unheardExchange(state, fields, "query", url, noParameters(), "", nowMs);
  exchange.found = "failed";
  return exchange;
}

/** Begins an exchange for what another's player will ask for next, with the fields that it sent. */
export function aheadExchange(state: ProxyState, player: Exchange, part: PlaylistPart, nowMs: number): Exchange {
  const exchange = partExchange(state, player, part, nowMs);
  exchange.ahead = true;
  return exchange;
}

/** Begins an exchange without a player for a part that a playlist names, with the fields that its player sent. */
export function partExchange(state: ProxyState, player: Exchange, part: PlaylistPart, nowMs: number): Exchange {
  const fields = player.fields.slice();
  // R-AHEAD-8: they were for the playlist.
  for (const name of playlistsOwnFields) fieldRemove(fields, name);
  if (part.end !== -1) fields.push("Range", rangeText(part.start, part.end));
  return unheardExchange(state, fields, player.form, part.url, noParameters(), player.prefix, nowMs);
}

const playlistsOwnFields = [
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
];

/** A complete answer with a problem body. */
export function refuse(
  state: ProxyState,
  request: PlayerRequest,
  code: ErrorCode,
  detail: string,
  nowMs: number,
): Admission {
  const content = problemBody(code, detail, null);
  // R-HTTP-5: after a request that could not be understood, the next one on the connection cannot be trusted.
  const keepAlive =
    state.options.keepAlive &&
    !request.close &&
    code !== "bad-request" &&
    code !== "target-too-long" &&
    code !== "wrong-host";
  const head = problemHead(state, code, content, newNote(code), request.httpMinor, keepAlive, nowMs);
  return { kind: "answer", head, content: request.method === "HEAD" ? "" : content };
}

/** Methods that are served of every resource. */
const servedMethods = "GET, HEAD, OPTIONS";

/** The methods that a resource takes, as far as a preflight asks for one. */
function allowedMethods(state: ProxyState, request: PlayerRequest): string {
  const asked = fieldFirst(request.fields, "access-control-request-method");
  if (asked === null || !isToken(asked) || servedMethods.split(", ").includes(asked)) return servedMethods;
  // R-RESP-14
  return mayPass(state, asked) ? `${servedMethods}, ${asked}` : servedMethods;
}

function preflight(state: ProxyState, request: PlayerRequest, methods: string, nowMs: number): Admission {
  const parts = plainParts(state, 204, request.httpMinor, state.options.keepAlive && !request.close, nowMs);
  parts.cors = state.options.cors ? "preflight" : "none";
  parts.allow = methods;
  parts.note = newNote("preflight");
  return { kind: "answer", head: responseHead(parts), content: "" };
}

function unheardExchange(
  state: ProxyState,
  fields: FieldList,
  form: UrlForm,
  url: string,
  own: OwnParameters,
  prefix: string,
  nowMs: number,
): Exchange {
  const request: PlayerRequest = {
    method: "GET",
    target: "",
    httpMinor: 1,
    fields,
    localAddress: "",
    localPort: 0,
    close: false,
  };
  const exchange = newExchange(state, request, targetOf(state, form, url, own), prefix, nowMs);
  exchange.method = "";
  return exchange;
}

/** What a URL names to this proxy. */
function targetOf(state: ProxyState, form: UrlForm, url: string, own: OwnParameters): KnownTarget {
  const directed = isDirectedUrl(url);
  return {
    form,
    url,
    own,
    // R-KEY-8: a name that a hook gives may be that of the playlist itself.
    key: directed ? cacheKey(url, state.options.keyRules) : keyOf(state.options, url),
    // R-LL-1, R-JSON-5: only playlists know directives, whatever their path looks like.
    playlist: directed || isPlaylistUrl(url) || own.as !== "none",
    directed,
    allowed: upstreamUrlAllowed(url, state.options.allowUpstream),
  };
}

function newExchange(
  state: ProxyState,
  request: PlayerRequest,
  target: KnownTarget,
  prefix: string,
  nowMs: number,
): Exchange {
  const verb = request.method === "GET" || request.method === "HEAD" ? "" : request.method;
  const exchange: Exchange = {
    id: state.nextExchangeId,
    state: "waiting",
    method: request.method === "HEAD" ? "HEAD" : "GET",
    verb,
    url: target.url,
    key: target.key,
    space: state.options.apart ? identityKey(target.key, request.fields) : target.key,
    form: target.form,
    own: target.own,
    allowed: target.allowed,
    prefix,
    fields: request.fields,
    // R-HTTP-8
    range: request.method === "HEAD" || verb !== "" ? { kind: "none" } : parseRange(rangeField(request)),
    httpMinor: request.httpMinor,
    // R-PASS-2
    keepAlive: state.options.keepAlive && !request.close && verb === "",
    playlist: target.playlist && verb === "",
    directed: target.directed && verb === "",
    ahead: false,
    later: false,
    renews: false,
    task: null,
    startClaim: null,
    survey: null,
    solo: false,
    onlyStored: state.options.policy === "http" && requestControl(request.fields).onlyIfCached,
    found: null,
    body: null,
    cursor: null,
    waitingOn: null,
    note: newNote(""),
    cookies: [],
    startMs: nowMs,
    replans: 0,
    status: 0,
  };
  state.nextExchangeId += 1;
  state.exchanges.set(exchange.id, exchange);
  return exchange;
}

/** The address that the connection came in on, as an authority: for HTTP/1.0 without Host. */
function localAuthority(request: PlayerRequest): string {
  const mapped = "::ffff:";
  const address = request.localAddress;
  const plain = address.startsWith(mapped) && address.includes(".") ? address.slice(mapped.length) : address;
  return `${plain.includes(":") ? `[${plain}]` : plain}:${request.localPort}`;
}

/** Whether a request of another method may go to its origin: a trace would show the player what the proxy adds. */
function mayPass(state: ProxyState, method: string): boolean {
  return state.options.policy === "http" && method !== "TRACE" && method !== "CONNECT";
}

function rangeField(request: PlayerRequest): string | null {
  // R-HTTP-9: several Range fields are one malformed one.
  return fieldCount(request.fields, "range") > 1 ? null : fieldFirst(request.fields, "range");
}

/** Whether a request says that it has content. */
export function hasContent(request: PlayerRequest): boolean {
  if (fieldFirst(request.fields, "transfer-encoding") !== null) return true;
  const length = fieldFirst(request.fields, "content-length");
  return length !== null && lowerAscii(length) !== "0";
}
