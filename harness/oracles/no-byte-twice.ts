/** No byte of one version is asked for and delivered twice while the cache may keep it (invariant 1). */
import type { Resource } from "../case/case-types.ts";
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { limitOf } from "./case-limits.ts";
import { fieldOf, hasDirective } from "./message-text.ts";
import { type Transfer, transfersOf } from "./origin-transfers.ts";
import { resourceOf } from "./sources.ts";
import { isPlaylistSource, type View, viewsOf } from "./views.ts";

export const noByteTwice: Oracle = {
  name: "no-byte-twice",
  says: "The origin delivers no byte of a version twice.",
  check: (context: OracleContext): Finding[] => {
    const views = viewsOf(context);
    const transfers = transfersOf(context).filter((transfer) => isKept(context, transfer));
    const forgotten = context.case.steps.filter(forgets).length;
    return transfers.flatMap((later, at) => {
      const before = transfers.slice(0, at).filter((earlier) => isRepeat(context, earlier, later, views));
      const first = before[0];
      const allowed = forgotten + otherNames(later, views);
      return first === undefined || before.length <= allowed ? [] : [finding(first, later)];
    });
  },
};

/** What a proxy that ends a transfer may leave unread in the buffers of both sockets, in bytes. */
const bufferBytes = 8_388_608;

/** Difference of the clocks of the player and the origin that read the same time, in milliseconds. */
const clockMs = 5;

/** What says who asks. */
const credentialNames = ["authorization", "cookie"];

/** How many names beside one lead to the source: each redirected URL is a resource of its own. */
function otherNames(transfer: Transfer, views: View[]): number {
  const names = readersOf(transfer, views).map((view) => `${view.sources[0]?.origin} ${view.sources[0]?.target}`);
  return Math.max(0, new Set(names).size - 1);
}

/** The responses that the source stands behind. */
function readersOf(transfer: Transfer, views: View[]): View[] {
  const { origin, target } = transfer.source;
  return views.filter((view) => view.sources.some((source) => source.origin === origin && source.target === target));
}

/** Whether the proxy did not believe the reply: all who waited for it then got its own error. */
function isRefused(transfer: Transfer, readers: View[]): boolean {
  const { startMs, endMs } = transfer.entry;
  const waiting = readers.filter(
    ({ response }) => response.sentMs <= endMs + clockMs && response.endMs >= startMs - clockMs,
  );
  return waiting.length > 0 && waiting.every((view) => view.problem);
}

/** Steps after which the cache may have to fetch anew. */
function forgets(step: { do: string; kill?: boolean }): boolean {
  return step.do === "clear" || (step.do === "restart" && step.kill === true);
}

/** Whether the cache has to keep what the transfer brought: nothing forbids it, and the reply can be believed. */
function isKept(context: OracleContext, transfer: Transfer): boolean {
  const resource = resourceOf(context, transfer.source);
  if (resource === undefined || isPlaylistSource(context, transfer.source)) return false;
  const believed = resource.replies.every(
    (reply) =>
      reply.kind !== "raw" &&
      reply.encoding === undefined &&
      reply.contentRange === undefined &&
      reply.contentLength === undefined &&
      reply.framing !== "close" &&
      reply.ignoreRange !== true,
  );
  if (!believed || transfer.end <= transfer.start) return false;
  const control = said(resource, transfer, "cache-control");
  const vary = said(resource, transfer, "vary");
  if (context.case.options.identity === "unstored") {
    const isNamed = credentialNames.some((name) => fieldOf(transfer.entry.fields, name) !== null);
    if ((isNamed && !hasDirective(control, "public")) || vary !== "") return false;
  }
  return !hasDirective(control, "no-store") && !vary.includes("*");
}

/** Whether what the earlier transfer brought is for who asked for the later one: nothing tells the two requests apart. */
function isForBoth(context: OracleContext, earlier: Transfer, later: Transfer): boolean {
  const resource = resourceOf(context, earlier.source);
  if (resource === undefined) return false;
  const isPublic = hasDirective(said(resource, earlier, "cache-control"), "public");
  const vary = said(resource, earlier, "vary").toLowerCase().split(",");
  const names = vary.map((name) => name.trim()).concat(isPublic ? [] : credentialNames);
  return names.every((name) => fieldOf(earlier.entry.fields, name) === fieldOf(later.entry.fields, name));
}

/** Whether a later transfer brings again what an earlier one brought and the cache could have kept. */
function isRepeat(context: OracleContext, earlier: Transfer, later: Transfer, views: View[]): boolean {
  if (earlier.source.origin !== later.source.origin || earlier.source.target !== later.source.target) return false;
  if (earlier.version !== later.version || !isForBoth(context, earlier, later)) return false;
  const overlap = Math.min(earlier.end, later.end) - Math.max(earlier.start, later.start);
  const readers = readersOf(earlier, views);
  if (overlap <= 0 || isRefused(earlier, readers)) return false;
  const complete = earlier.end >= earlier.askedEnd;
  // R-FLIGHT-8: without a validator only what is stored whole is used.
  if (!earlier.validator) return complete && earlier.whole;
  // R-CACHE-3: what has no length and does not end is not kept, and only the proxy knows whether it ended well.
  if (earlier.reply.framing === "chunked") {
    return complete && readers.every((view) => view.response.end === "complete");
  }
  if (complete) return overlap > bufferBytes || !mayBeEnded(context, earlier, later, readers);
  // The origin has written what the proxy, when it ends a transfer, may never have read.
  const cutByOrigin = earlier.reply.stopAfter !== undefined && earlier.reply.end !== "reset";
  return cutByOrigin || later.start <= earlier.start;
}

/**
 * Whether the proxy may have ended a transfer that the origin could still write to its end: one of somebody who reads on,
 * when another further ahead begins (R-FLIGHT-5), or while it was paused (R-FLIGHT-6).
 */
function mayBeEnded(context: OracleContext, earlier: Transfer, later: Transfer, readers: View[]): boolean {
  const { startMs } = later.entry;
  const endMs = earlier.entry.endMs;
  const reading = readers.some(({ response }) => response.sentMs <= endMs + clockMs && response.endMs > startMs);
  const paused =
    earlier.end - earlier.start >
    Math.min(limitOf(context.case, "readAheadBytesMax"), limitOf(context.case, "tailBytesMax"));
  return later.start > earlier.start && reading && (paused || endMs > startMs - clockMs);
}

function said(resource: Resource, transfer: Transfer, lowerName: string): string {
  const fields = [...resource.fields, ...(transfer.reply.fields ?? [])];
  return fields
    .filter(([name]) => name.toLowerCase() === lowerName)
    .map(([, value]) => value)
    .join(", ");
}

function finding(earlier: Transfer, later: Transfer): Finding {
  const first = Math.max(earlier.start, later.start);
  const last = Math.min(earlier.end, later.end) - 1;
  const when = (transfer: Transfer): string => `at ${Math.round(transfer.entry.startMs)} ms (${rangeText(transfer)})`;
  return {
    by: "no-byte-twice",
    at: later.source.target,
    message: `bytes ${first}-${last} came twice: ${when(earlier)} and ${when(later)}`,
  };
}

function rangeText(transfer: Transfer): string {
  return fieldOf(transfer.entry.fields, "range") ?? "no Range";
}
