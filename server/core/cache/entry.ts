/**
 * An entry is one stored version of one resource: what its origin said of it, and which of its bytes are in the file.
 * The index journals it; the file holds the bytes of `spans` at their own offsets (SPEC: R-SPAN-1).
 */
import type { FieldList } from "../http/field-list.ts";
import { fieldFirst } from "../http/field-list.ts";
import { resumeValidator } from "../http/validator.ts";
import type { EntryKind } from "./freshness.ts";
import { spanCovers } from "./span-set.ts";

/** What the index keeps of one version of a resource. */
export type Entry = {
  /** Row and file name; never used again within a cache directory. */
  id: number;
  /** The cache key (R-KEY-1). */
  key: string;
  /** The upstream URL that was asked for. */
  url: string;
  /** The URL that answered, after redirects: the base for a playlist's relative URIs. */
  finalUrl: string;
  kind: EntryKind;
  /** The stored response fields, flat. */
  fields: FieldList;
  /** Length of the whole representation in bytes, -1 while unknown. */
  total: number;
  /** Stored byte intervals: start, end (exclusive), start, end … */
  spans: number[];
  /** When the request that made or last validated it was sent, in milliseconds since the epoch. */
  requestMs: number;
  /** When the response head came, in milliseconds since the epoch. */
  responseMs: number;
  /** Target duration of a media playlist in milliseconds, 0 otherwise. */
  targetDurationMs: number;
  /** Last access, in milliseconds since the epoch. */
  accessMs: number;
  pinned: boolean;
};

/** Whether every byte of the entry is in the file. */
export function entryComplete(entry: Entry): boolean {
  return entry.total >= 0 && spanCovers(entry.spans, 0, entry.total);
}

/**
 * Whether bytes of two responses may be put together: only when a validator shows that they are of one version
 * (RFC 9111 section 3.4). Without one, what is stored serves only requests that it covers whole. A weak entity tag
 * shows none: two versions with different bytes may have it.
 */
export function entryCombinable(entry: Entry): boolean {
  // R-FLIGHT-8
  return resumeValidator(entryEtag(entry), entryLastModified(entry)) !== null;
}

/** The stored ETag, or null. */
export function entryEtag(entry: Entry): string | null {
  return fieldFirst(entry.fields, "etag");
}

/** The stored Last-Modified, or null. */
export function entryLastModified(entry: Entry): string | null {
  return fieldFirst(entry.fields, "last-modified");
}
