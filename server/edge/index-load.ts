/**
 * What the index and the data folder say when the proxy starts, and where they disagree: a row counts only as far as
 * its file goes, and a file without a row is nobody's.
 */
import fs from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import type { Entry } from "../core/cache/entry.ts";
import type { EntryKind } from "../core/cache/freshness.ts";
import { dataFileId, dataFileName } from "./cache-directory.ts";

/** What the index holds of one entry: the engine's own type. */
export type StoredEntry = Entry;

/** What was loaded. */
export type LoadedIndex = {
  entries: StoredEntry[];
  /** Ids of rows that are no use any more. */
  dead: number[];
  /** Spans that the files do not have. */
  lost: { id: number; start: number; end: number }[];
  /** Highest id that the database ever held. */
  idMax: number;
};

/** Data files found by name, and the folders that could not be read. */
export type DataFiles = { ids: number[]; errors: Error[] };

const entryKinds: Record<EntryKind, true> = { media: true, multivariant: true, vod: true, event: true, live: true };

/** Entries and spans in file order, reconciled with the files' sizes. Throws SQLite's error. */
export function loadIndex(connection: Database.Database, dataDir: string): LoadedIndex {
  const loaded: LoadedIndex = { entries: [], dead: [], lost: [], idMax: 0 };
  const spans = connection.prepare("SELECT entry_id, start_byte, end_byte FROM span ORDER BY entry_id, start_byte");
  const spanRows = spans.raw().all() as unknown[][];
  const rows = connection
    .prepare(
      `SELECT id, key, url, final_url, kind, fields, total, request_ms, response_ms, target_duration_ms, access_ms,
         pinned FROM entry ORDER BY id`,
    )
    .raw()
    .all() as unknown[][];
  let cursor = 0;
  for (const row of rows) {
    const id = Number(row[0]);
    while (cursor < spanRows.length && Number(spanRows[cursor]?.[0]) < id) cursor += 1;
    const own: number[] = [];
    while (cursor < spanRows.length && Number(spanRows[cursor]?.[0]) === id) {
      appendSpan(own, spanRows[cursor]?.[1], spanRows[cursor]?.[2]);
      cursor += 1;
    }
    const entry = entryOf(row, own);
    if (entry === null) {
      loaded.dead.push(id);
      continue;
    }
    clipToFile(entry, dataDir, loaded.lost);
    // R-INDEX-5: without a byte an entry says nothing, unless it is known to be empty or somebody pinned it.
    if (entry.spans.length === 0 && entry.total !== 0 && !entry.pinned) loaded.dead.push(id);
    else loaded.entries.push(entry);
  }
  const sequence = connection.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").pluck().get();
  loaded.idMax = Math.max(Number(sequence ?? 0), Number(rows[rows.length - 1]?.[0] ?? 0));
  return loaded;
}

/** Ids of all data files, by their names alone. Whatever else lies in the folders is left alone. */
export function scanDataFiles(dataDir: string): DataFiles {
  const found: DataFiles = { ids: [], errors: [] };
  for (let byte = 0; byte < 256; byte += 1) {
    const folder = byte.toString(16).padStart(2, "0");
    for (const name of folderNames(path.join(dataDir, folder), found.errors)) {
      const id = dataFileId(folder, name);
      if (id > 0) found.ids.push(id);
    }
  }
  return found;
}

/** A row as an entry, or null when a value is not what it must be: the file may come from anywhere. */
function entryOf(row: unknown[], spans: number[]): StoredEntry | null {
  const [id, key, url, finalUrl, kind, fieldText, total, requestMs, responseMs, targetDurationMs, accessMs, pinned] =
    row;
  const fields = fieldsOf(fieldText);
  if (!isCount(id) || !isCount(requestMs) || !isCount(responseMs) || !isCount(targetDurationMs)) return null;
  if (!isCount(accessMs) || (total !== -1 && !isCount(total)) || fields === null || !isKind(kind)) return null;
  if (typeof key !== "string" || typeof url !== "string" || typeof finalUrl !== "string") return null;
  if (typeof total !== "number" || (total >= 0 && (spans[spans.length - 1] ?? 0) > total)) return null;
  const entry = { id, key, url, finalUrl, kind, fields, total, spans, requestMs, responseMs };
  return { ...entry, targetDurationMs, accessMs, pinned: pinned === 1 };
}

function fieldsOf(text: unknown): string[] | null {
  if (typeof text !== "string") return null;
  try {
    const fields: unknown = JSON.parse(text);
    if (!Array.isArray(fields) || fields.length % 2 !== 0) return null;
    return fields.every((field) => typeof field === "string") ? fields : null;
  } catch {
    return null;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isKind(value: unknown): value is EntryKind {
  return typeof value === "string" && Object.hasOwn(entryKinds, value);
}

/** Adds the next span in order of start, merged with the one before when they touch. */
function appendSpan(spans: number[], start: unknown, end: unknown): void {
  if (!isCount(start) || !isCount(end) || end <= start) return;
  const last = spans.length - 1;
  const lastEnd = spans[last] ?? -1;
  if (start > lastEnd) spans.push(start, end);
  else spans[last] = Math.max(lastEnd, end);
}

/** Takes what the file does not have from the spans, and notes it as lost. */
function clipToFile(entry: StoredEntry, dataDir: string, lost: LoadedIndex["lost"]): void {
  const end = entry.spans[entry.spans.length - 1] ?? 0;
  if (end === 0) return;
  // R-INDEX-8
  const size = fileSize(path.join(dataDir, dataFileName(entry.id)));
  if (size >= end) return;
  lost.push({ id: entry.id, start: size, end });
  const kept: number[] = [];
  for (let index = 0; index < entry.spans.length; index += 2) {
    appendSpan(kept, entry.spans[index], Math.min(entry.spans[index + 1] ?? 0, size));
  }
  entry.spans = kept;
}

/** Bytes of a file, 0 when it cannot be had: what cannot be read is as good as gone. */
function fileSize(name: string): number {
  try {
    return fs.statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  } catch {
    return 0;
  }
}

function folderNames(folder: string, errors: Error[]): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") errors.push(error as Error);
    return [];
  }
}
