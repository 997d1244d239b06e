/**
 * What the tests of the index share: an index that writes only when it is told to, entries with files, and the database
 * as another process sees it.
 */
import fs from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { dataFileName } from "../../edge/cache-directory.ts";
import type { CacheIndex, CacheIndexOptions, StoredEntry } from "../../edge/cache-index.ts";
import { openCacheIndex } from "../../edge/cache-index.ts";
import { patternBytes, plainEntry } from "./storage.ts";

/** An hour: nothing is written but by a full batch or a flush. */
const never = 3_600_000;

export type Opened = { index: CacheIndex; errors: string[]; entries: StoredEntry[] };

/** Opens and loads the index; failures are collected. */
export function openIndex(dir: string, changes: Partial<CacheIndexOptions> = {}): Opened {
  const errors: string[] = [];
  const onError = (error: Error): void => {
    errors.push((error as NodeJS.ErrnoException).code ?? error.message);
  };
  const index = openCacheIndex(dir, { journalMs: never, journalRowsMax: 100, onError, ...changes });
  return { index, errors, entries: index.load() };
}

/** Puts an entry with spans, and makes the file that they speak of. */
export function storeEntry(
  index: CacheIndex,
  dataDir: string,
  spans: number[],
  changes: Partial<StoredEntry> = {},
): number {
  const id = index.nextId();
  index.put(plainEntry(id, changes));
  for (let at = 0; at < spans.length; at += 2) index.spans(id, spans[at] ?? 0, spans[at + 1] ?? 0);
  makeFile(dataDir, id, spans[spans.length - 1] ?? 0);
  return id;
}

export function makeFile(dataDir: string, id: number, size: number): void {
  const name = path.join(dataDir, dataFileName(id));
  fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(name, patternBytes(id, 0, size));
}

export function sweepFiles(index: CacheIndex): Promise<number> {
  return new Promise((resolve) => index.sweep(resolve));
}

/** The database as another process sees it. */
export function inspectDatabase(dir: string): Database.Database {
  return new Database(path.join(dir, "index.sqlite"), { timeout: 0 });
}
