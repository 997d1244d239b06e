/** Never more transfers at once than there are slots, the express ones aside (R-LANE-3, R-LANE-7). */
import type { Finding, Oracle, OracleContext, OriginEntry } from "../case/result-types.ts";
import { limitOf } from "./case-limits.ts";
import { askedRange } from "./message-text.ts";
import { resourceOf, type Source, sourceOf, sourceUrl, versionsOf } from "./sources.ts";
import { beginsAsPlaylist, isPlaylistSource } from "./views.ts";

export const slots: Oracle = {
  name: "slots",
  says: "The origin never has more transfers at once than there are slots.",
  check: (context: OracleContext): Finding[] => {
    const express = expressTargets(context);
    const regular = context.transcript.origin.filter((entry) => isRegular(context, entry, express));
    const most = mostAtOnce(context, regular);
    const limit = slotLimit(context);
    if (most.count <= limit) return [];
    const message = `${most.count} transfers at once at ${Math.round(most.atMs)} ms, with a limit of ${limit}`;
    return [{ by: "slots", at: most.target, message }];
  },
};

/** How long after the transfer's real end the origin may hear that the proxy has left, in milliseconds. */
const lateNewsMs = 20;

/** Slots, and the extra ones once somebody can have waited long enough for one. */
function slotLimit(context: OracleContext): number {
  const waitMs = limitOf(context.case, "queueWaitMs");
  const lastMs = Math.max(0, ...context.transcript.origin.map((entry) => entry.startMs));
  return context.slotsMax + (lastMs < waitMs ? 0 : limitOf(context.case, "extraSlotsMax"));
}

function isRegular(context: OracleContext, entry: OriginEntry, express: Source[]): boolean {
  const source: Source = { origin: entry.origin, target: entry.target };
  if (entry.method === "HEAD" || resourceOf(context, source) === undefined) return false;
  // R-EXPRESS-1, R-EXPRESS-2
  if (isPlaylistSource(context, source)) return false;
  if (express.some((one) => one.origin === source.origin && one.target === source.target)) return false;
  return askedBytes(context, entry) >= limitOf(context.case, "expressRangeBytes");
}

function askedBytes(context: OracleContext, entry: OriginEntry): number {
  const total = versionsOf(context, entry).at(-1)?.length ?? 0;
  const range = askedRange(entry.fields, total);
  return range === "ignored" || range === "unsatisfiable" ? total : range.last - range.first + 1;
}

/** Initialization sections and keys, as the case's playlists name them. */
function expressTargets(context: OracleContext): Source[] {
  const found: Source[] = [];
  for (const key of Object.keys(context.case.origin.resources)) {
    const target = key.replace(/^\{other\}/, "");
    for (const body of context.versions(key).filter(beginsAsPlaylist)) {
      const uris = body.toString("latin1").matchAll(/^#EXT-X-(?:MAP|KEY|SESSION-KEY):.*?URI="([^"]*)"/gm);
      for (const [, uri] of uris) {
        const url = URL.parse(uri ?? "", sourceUrl(context, { origin: "origin", target }));
        const source = url === null ? null : sourceOf(context, url.href);
        if (source !== null) found.push(source, { ...source, origin: "other" });
      }
    }
  }
  return found;
}

function mostAtOnce(context: OracleContext, entries: OriginEntry[]): { count: number; atMs: number; target: string } {
  let most = { count: 0, atMs: 0, target: "" };
  for (const entry of entries) {
    const count = entries.filter(
      (other) => other.startMs <= entry.startMs && endOf(context, other) > entry.startMs,
    ).length;
    if (count > most.count) most = { count, atMs: entry.startMs, target: entry.target };
  }
  return most;
}

/** When the slot is free again: for a transfer that did not bring all, the proxy left before the origin heard of it. */
function endOf(context: OracleContext, entry: OriginEntry): number {
  if (entry.endMs < entry.startMs) return Number.POSITIVE_INFINITY;
  const cut = entry.status < 300 && entry.bodyBytes < askedBytes(context, entry);
  return Math.max(entry.startMs + 0.001, cut ? entry.endMs - lateNewsMs : entry.endMs);
}
