/**
 * Every URI of an asset list or a steering manifest leads back to what the original meant, each clone's host is the
 * proxy's and said to it, and nothing else changed: both texts read by the platform's own JSON, and what is no URI
 * compared byte by byte.
 */
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { carriedVariables } from "./playlist-variables.ts";
import { jsonKindOf, sourceUrl, upstreamOfTarget, versionsOf } from "./sources.ts";
import { type View, viewsOf } from "./views.ts";

export const jsonUris: Oracle = {
  name: "json-uris",
  says: "Every URI of an asset list or a steering manifest leads back to the original's, and nothing else changed.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context)
      .filter((view) => view.json !== null && !view.playlist && view.request.method === "GET" && view.status === 200)
      .filter((view) => view.response.end === "complete" && view.sources.length > 0)
      .flatMap((view) =>
        jsonFaults(context, view).map((message) => ({ by: "json-uris", at: view.response.request, message })),
      ),
};

/** The faults against the original that fits best. */
function jsonFaults(context: OracleContext, view: View): string[] {
  const after = view.response.text ?? "";
  let best: string[] | null = null;
  for (const source of view.sources) {
    for (const body of versionsOf(context, source)) {
      const faults = faultsAgainst(body.toString("latin1"), after, sourceUrl(context, source), view, context.targetUrl);
      if (best === null || faults.length < best.length) best = faults;
    }
  }
  return best ?? ["no origin has such a resource"];
}

function faultsAgainst(before: string, after: string, base: string, view: View, targetUrl: string): string[] {
  const original = parsed(before);
  const rewritten = parsed(after);
  if (original === undefined) return before === after ? [] : ["what is no JSON was changed"];
  if (rewritten === undefined) return ["what was JSON is none"];
  const judge: Judge = { base, targetUrl, view, faults: [], uris: [] };
  walk(original, rewritten, "", judge);
  if (judge.faults.length === 0 && masked(before, judge.uris, 0) !== masked(after, judge.uris, 1)) {
    judge.faults.push("bytes outside of the URIs changed");
  }
  return judge.faults;
}

type Judge = { base: string; targetUrl: string; view: View; faults: string[]; uris: [string, string][] };

function walk(before: unknown, after: unknown, path: string, judge: Judge): void {
  if (typeof before === "string" && typeof after === "string" && isUriPath(path, judge.view)) {
    judgeUri(before, after, path, judge);
    return;
  }
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null) {
    if (!Object.is(before, after)) judge.faults.push(`${path}: ${String(before)} became ${String(after)}`);
    return;
  }
  const from = new Map(Object.entries(before));
  const to = new Map(Object.entries(after));
  if (path.endsWith("/URI-REPLACEMENT") && judge.view.json === "steering") takeHost(from, to, path, judge);
  for (const name of new Set([...from.keys(), ...to.keys()]))
    walk(from.get(name), to.get(name), `${path}/${name}`, judge);
}

function isUriPath(path: string, view: View): boolean {
  if (view.json === "asset-list") return /^\/ASSETS\/\d+\/URI$/.test(path);
  return /^\/(?:RELOAD-URI|PATHWAY-CLONES\/\d+\/URI-REPLACEMENT\/PER-(?:VARIANT|RENDITION)-URIS\/[^/]+)$/.test(path);
}

/** A clone's host: checked, and put back as it was, so that the rest can be compared. */
function takeHost(from: Map<string, unknown>, to: Map<string, unknown>, path: string, judge: Judge): void {
  const host = from.get("HOST");
  if (typeof host !== "string") return;
  const params = { ...(to.get("PARAMS") as Record<string, unknown> | undefined) };
  const proxyHost = new URL(judge.targetUrl).hostname;
  if (to.get("HOST") !== proxyHost) judge.faults.push(`${path}: HOST is ${String(to.get("HOST"))}, not the proxy's`);
  if (params["reelcache-host"] !== host) judge.faults.push(`${path}: the proxy is not told of ${host}`);
  const added = `"reelcache-host":"${host}"`;
  const names = Object.keys(params).filter((name) => name !== "reelcache-host");
  const isNew = !from.has("PARAMS");
  judge.uris.push(
    ["", isNew ? `"PARAMS":{${added}},` : names.length === 0 ? added : `${added},`],
    [`"${host}"`, `"${proxyHost}"`],
  );
  from.set("HOST", proxyHost);
  from.set("PARAMS", { "reelcache-host": host, ...(from.get("PARAMS") as Record<string, unknown> | undefined) });
}

function judgeUri(before: string, after: string, path: string, judge: Judge): void {
  const meant = URL.parse(before, judge.base);
  if (before === "" || meant === null || !/^https?:$/.test(meant.protocol)) {
    if (before !== after) judge.faults.push(`${path}: ${before} became ${after}, though it is none to proxy`);
    return;
  }
  meant.hash = "";
  const reached = upstreamOfTarget(after);
  const plain = reached === null ? null : (URL.parse(reached)?.href ?? reached);
  if (!after.startsWith(judge.targetUrl) || plain !== meant.href) {
    judge.faults.push(`${path}: ${before} became ${after}, which leads to ${plain}, not to ${meant.href}`);
  }
  const isReload = path === "/RELOAD-URI";
  const own = JSON.stringify([...carriedVariables(judge.view.request.target)]);
  if (jsonKindOf(after) !== (isReload ? "steering" : null)) judge.faults.push(`${path}: ${after} says another kind`);
  if (JSON.stringify([...carriedVariables(after)]) !== own) judge.faults.push(`${path}: ${after} lacks the variables`);
  judge.uris.push([JSON.stringify(before), JSON.stringify(after)]);
}

/** The text without what was replaced in it, on one side or the other. */
function masked(text: string, uris: [string, string][], side: 0 | 1): string {
  let left = text.replaceAll("\\/", "/");
  for (const pair of uris) left = left.replace(pair[side], () => "");
  return left;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
