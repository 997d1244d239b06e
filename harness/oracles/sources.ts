/**
 * Which resources of the origin stand behind a response. A *source* is a resource at one of the two origins; a redirected
 * request has several, in the order in which they are followed.
 */
import type { Case, Reply, Resource, Step } from "../case/case-types.ts";
import { expandOrigins, upstreamUrl } from "../case/placeholders.ts";
import type { OracleContext, OriginEntry, WireResponse } from "../case/result-types.ts";

export type Source = { origin: "origin" | "other"; target: string };

const redirectsMax = 16;

/** The sources of a response, the one that was asked for first; [] when it is none of the origin's (a local page). */
export function sourcesOf(context: OracleContext, response: WireResponse, requestTarget: string): Source[] {
  const url = askedUrl(context, response, requestTarget);
  const asked = url === null ? null : sourceOf(context, url);
  return asked === null ? [] : withRedirects(context, [asked, ...sameKey(context, asked)]);
}

/** Other resources that may have the same cache key: with rules for parameters (R-KEY-4, R-KEY-5), those of one path. */
function sameKey(context: OracleContext, asked: Source): Source[] {
  const { dropParameters, keepParameters } = context.case.options;
  if (dropParameters === undefined && keepParameters === undefined) return [];
  const path = (target: string): string => target.replace(/\?.*$/s, "");
  return Object.keys(context.case.origin.resources)
    .filter((target) => target !== asked.target && path(target) === path(asked.target))
    .map((target) => ({ origin: asked.origin, target }));
}

/** The upstream URL that a request names: by its step when that says so, else by its target in one of our two forms. */
function askedUrl(context: OracleContext, response: WireResponse, requestTarget: string): string | null {
  const path = stepPath(context.case, response.request);
  return path === null ? upstreamOfTarget(requestTarget) : upstreamUrl(path, context);
}

/** The source of an absolute URL, by its port; null when no origin of the case holds it. */
export function sourceOf(context: OracleContext, url: string): Source | null {
  const match = /^https?:\/\/[^/?#]*?(?::(\d+))?([/?][^#]*)?(?:#.*)?$/i.exec(url);
  const port = match?.[1] ?? "";
  const rest = match?.[2] ?? "/";
  const target = rest.startsWith("/") ? rest : `/${rest}`;
  if (port !== "" && context.originUrl.endsWith(`:${port}`)) return { origin: "origin", target };
  if (port !== "" && context.otherUrl.endsWith(`:${port}`)) return { origin: "other", target };
  return null;
}

/** The absolute URL of a source. */
export function sourceUrl(context: OracleContext, source: Source): string {
  return (source.origin === "origin" ? context.originUrl : context.otherUrl) + source.target;
}

/** The resource of a source; undefined when the case has none there. */
export function resourceOf(context: OracleContext, source: Source): Resource | undefined {
  return context.case.origin.resources[resourceKey(context.case, source)];
}

/** Every version that the origin had of a source so far, oldest first. */
export function versionsOf(context: OracleContext, source: Source): Buffer[] {
  return context.versions(resourceKey(context.case, source));
}

/** The name of a source in the case: the other origin holds what all hold, or something of its own. */
export function resourceKey(item: Case, source: Source): string {
  const own = `{other}${source.target}`;
  return source.origin === "other" && Object.hasOwn(item.origin.resources, own) ? own : source.target;
}

/** The origin's log for these sources. */
export function entriesOf(context: OracleContext, sources: Source[]): OriginEntry[] {
  return context.transcript.origin.filter((entry) =>
    sources.some((source) => source.origin === entry.origin && source.target === entry.target),
  );
}

/**
 * The upstream URL behind a proxied target or URL: `/proxy?url=…` or the path form, with or without a secret; of another
 * proxy's form, the http(s) URL that stands in it. Null when there is none.
 */
export function upstreamOfTarget(text: string): string | null {
  const target = text.replace(/^https?:\/\/[^/?#]*/i, "").replace(/#.*$/s, "");
  const whole = target.replace(/^\/~[^/]*/, "").replace(/^\/;[^/]*/, "");
  const host = /[?&]reelcache-host=([^&]*)/.exec(whole)?.[1];
  if (host !== undefined)
    return cloneUrl(whole.replace(/([?&])reelcache-host=[^&]*&?/, "$1").replace(/[?&]$/, ""), host);
  const path = whole;
  if (path.startsWith("/proxy?")) return fromQuery(path.slice("/proxy?".length));
  // A command of control names resources, and answers with none of their bytes.
  if (path.startsWith("/control/")) return null;
  const mirrored = /^\/(https?)\/([^/?]+)(.*)$/s.exec(path);
  if (mirrored !== null) {
    const authority = percentDecode(mirrored[2] ?? "");
    const rest = mirrored[3] ?? "";
    return `${mirrored[1]}://${authority}${rest.startsWith("/") ? rest : `/${rest}`}`;
  }
  const inside = /https?(?::|%3A)(?:\/|%2F){2}.*$/is.exec(path)?.[0] ?? null;
  if (inside === null) return null;
  return inside.includes("://") ? inside : percentDecode(inside.replace(/&.*$/s, ""));
}

/** The upstream URL of a pathway's clone: its base's, with another host and the same port. */
function cloneUrl(target: string, host: string): string | null {
  return upstreamOfTarget(target)?.replace(/^(https?:\/\/)(\[[^\]]*\]|[^:/?#]*)/, `$1${percentDecode(host)}`) ?? null;
}

/** What the body behind a proxied URL or request target is said to be, if it is JSON that names more. */
export function jsonKindOf(target: string): "asset-list" | "steering" | null {
  const said = /[?&]as=([^&#]*)/.exec(target)?.[1] ?? /\/;(?:[^/]*;)?as=([^/;]*)/.exec(target)?.[1];
  return said === "asset-list" || said === "steering" ? said : null;
}

/** Percent-decodes to bytes, one char each; malformed escapes stay. */
export function percentDecode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_whole, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function fromQuery(query: string): string | null {
  const pieces = query.split("&").filter((piece) => piece !== "");
  const url = pieces.find((piece) => piece.startsWith("url="));
  if (url === undefined) return null;
  const decoded = percentDecode(url.slice("url=".length)).replace(/#.*$/s, "");
  const own = /^(?:url$|define=|as=)/;
  const nameOf = (piece: string): string => piece.replace(/=.*$/s, "");
  const [path = "", known = ""] = decoded.split(/\?(.*)/s);
  let upstream = known === "" ? [] : known.split("&");
  // As a player sets a parameter: in the place of what has its name.
  for (const piece of pieces.filter((one) => one !== url && !own.test(one))) {
    const at = upstream.findIndex((one) => nameOf(one) === nameOf(piece));
    upstream = upstream.filter((one, index) => index <= at || nameOf(one) !== nameOf(piece));
    upstream.splice(at < 0 ? upstream.length : at, at < 0 ? 0 : 1, piece);
  }
  return upstream.length === 0 ? decoded : `${path}?${upstream.join("&")}`;
}

function stepPath(item: Case, request: string): string | null {
  for (const step of item.steps) {
    const path = pathIn(step, request);
    if (path !== null) return path;
  }
  return null;
}

function pathIn(step: Step, request: string): string | null {
  if (step.do === "together") return step.gets.find((get) => get.request === request)?.path ?? null;
  if (step.do === "get" && step.request === request) return step.path;
  return step.do === "send" && step.request === request && step.raw === undefined ? (step.path ?? null) : null;
}

function withRedirects(context: OracleContext, asked: Source[]): Source[] {
  const found = [...asked];
  for (const from of found) {
    if (found.length >= redirectsMax) break;
    for (const location of locationsOf(context, from)) {
      const url = URL.parse(location, sourceUrl(context, from));
      const to = url === null ? null : sourceOf(context, url.href);
      if (to !== null && !found.some((one) => one.origin === to.origin && one.target === to.target)) found.push(to);
    }
  }
  return found;
}

function locationsOf(context: OracleContext, source: Source): string[] {
  const replies: Reply[] = resourceOf(context, source)?.replies ?? [];
  const said = replies.flatMap((reply) => [
    reply.location ?? "",
    /^location:[ \t]*(.*?)[ \t]*$/im.exec(reply.head ?? "")?.[1] ?? "",
    reply.fields?.find(([name]) => name.toLowerCase() === "location")?.[1] ?? "",
  ]);
  return said
    .filter((location) => location !== "")
    .map((location) => expandOrigins(location, context.originUrl, context.otherUrl));
}
