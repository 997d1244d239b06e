/** What each request to the origin asked for and brought, with the version that it brought it of. */
import type { Reply } from "../case/case-types.ts";
import type { OracleContext, OriginEntry } from "../case/result-types.ts";
import { askedRange } from "./message-text.ts";
import { resourceKey, resourceOf, type Source, versionsOf } from "./sources.ts";

/** One transfer of a body: bytes [start, end) of a version, out of [start, askedEnd) that were asked for. */
export type Transfer = {
  entry: OriginEntry;
  source: Source;
  /** Counts the versions that the origin had; two transfers of one number are of one version. */
  version: number;
  /** Whether the version has what a later fetch can resume on (R-VALID-9). */
  validator: boolean;
  start: number;
  end: number;
  askedEnd: number;
  /** Whether the body was to be whole when it began: 200, not 206. */
  whole: boolean;
  reply: Reply;
};

const goodReply: Reply = { kind: "serve" };

/** The transfers of all GET bodies of resources, in the order in which they were asked for. */
export function transfersOf(context: OracleContext): Transfer[] {
  const asked = new Map<string, number>();
  const transfers: Transfer[] = [];
  for (const entry of context.transcript.origin) {
    const key = resourceKey(context.case, entry);
    const place = asked.get(key) ?? 0;
    asked.set(key, place + 1);
    const transfer = transferOf(context, entry, place);
    if (transfer !== null) transfers.push(transfer);
  }
  return transfers;
}

/** The reply that the script gives to the n-th request for a target, from 0. */
export function replyAt(context: OracleContext, entry: OriginEntry, place: number): Reply {
  const replies = resourceOf(context, entry)?.replies ?? [];
  return replies[Math.min(place, replies.length - 1)] ?? goodReply;
}

function transferOf(context: OracleContext, entry: OriginEntry, place: number): Transfer | null {
  const resource = resourceOf(context, entry);
  if (resource === undefined || entry.method !== "GET") return null;
  if (entry.status !== 200 && entry.status !== 206) return null;
  const held = { version: 0, etag: resource.etag, lastModified: resource.lastModified };
  for (const reply of resource.replies.slice(0, place + 1)) {
    if (reply.body !== undefined && (reply.status ?? 200) < 300) held.version += 1;
    if (reply.etag !== undefined) held.etag = reply.etag;
    if (reply.lastModified !== undefined) held.lastModified = reply.lastModified;
  }
  const versions = versionsOf(context, entry);
  const total = (versions[held.version] ?? versions.at(-1))?.length ?? 0;
  const range = askedRange(entry.fields, total);
  const part = range !== "ignored" && range !== "unsatisfiable" ? range : { first: 0, last: total - 1 };
  const start = Math.max(entry.from, part.first);
  const askedEnd = Math.max(start, part.last + 1);
  return {
    entry,
    source: { origin: entry.origin, target: entry.target },
    version: held.version,
    validator: (held.etag !== null && !held.etag.startsWith("W/")) || held.lastModified !== null,
    start,
    end: Math.max(start, Math.min(entry.from + entry.bodyBytes, askedEnd)),
    askedEnd,
    whole: entry.status === 200,
    reply: replyAt(context, entry, place),
  };
}
