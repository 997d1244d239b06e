/**
 * The index on disk: a journal of what the engine holds in memory, so that a hit costs no write and the engine never
 * waits for it. Changes are queued and written in small transactions with a pause between them.
 *
 * It never throws an operating error: what SQLite refuses is told to `onError` and tried again, the queue stays
 * bounded meanwhile, and a database beyond use is moved aside for a fresh one. Playback does not depend on it.
 */
import assert from "node:assert";
import fs from "node:fs";
import path from "node:path";
import { dataFileName } from "./cache-directory.ts";
import type { IndexDatabase } from "./index-database.ts";
import { isCorrupt, moveAside, openIndexDatabase, sqliteCode } from "./index-database.ts";
import type { StoredEntry } from "./index-load.ts";
import { loadIndex, scanDataFiles } from "./index-load.ts";
import type { IndexQueue } from "./index-queue.ts";
import {
  indexQueue,
  queueBatch,
  queueClear,
  queueDrop,
  queueDue,
  queueEdit,
  queuePut,
  queueRows,
  queueTake,
  queueTouch,
} from "./index-queue.ts";

export type { StoredEntry } from "./index-load.ts";

export type CacheIndexOptions = {
  /** Time between two journal writes, in milliseconds. */
  journalMs: number;
  /** Rows in one transaction; as many queued ones start it at once. */
  journalRowsMax: number;
  /** Told of every failure that is not the caller's. */
  onError: (error: Error) => void;
};

/** Counts for the statistics. */
export type CacheIndexCounts = { queued: number; written: number; forgotten: number; strays: number };

/** Rows that may wait, as a multiple of a transaction's. */
const queueBatchesMax = 100;
/** A failing index is tried again after `journalMs`, doubled each time up to this multiple. */
const retryFactorMax = 64;
/** How long the start waits for another process that has the database locked, in milliseconds. */
const openBusyMs = 1_000;
/** Files that one step of the sweep deletes. */
const sweepStep = 64;

/** Opens the index of a directory that this process holds. What fails is told to `onError`, and tried again. */
export function openCacheIndex(dir: string, options: CacheIndexOptions): CacheIndex {
  return new CacheIndex(dir, options);
}

export class CacheIndex {
  readonly #dir: string;
  readonly #dataDir: string;
  readonly #options: CacheIndexOptions;
  readonly #queue: IndexQueue;
  #database: IndexDatabase | null = null;
  #timer: NodeJS.Timeout | null = null;
  #immediate: NodeJS.Immediate | null = null;
  /** 0 while all is well, else the factor of the next retry's delay. */
  #retryFactor = 0;
  #firstId = -1;
  #nextId = -1;
  /** Rows from this id on were never loaded and are not of this run: they go before anything is written; -1 none. */
  #fenceId = -1;
  #clears = false;
  /** Data files without a row, for the sweep. */
  #strays: number[] = [];
  #written = 0;
  /** Rows to write before the next wait. */
  #left = 0;
  #closed = false;

  constructor(dir: string, options: CacheIndexOptions) {
    assert(options.journalRowsMax > 0, "a transaction has rows");
    this.#dir = dir;
    this.#dataDir = path.join(dir, "data");
    this.#options = options;
    this.#queue = indexQueue(options.journalRowsMax * queueBatchesMax);
  }

  /**
   * All entries with their spans, as far as their files go; call it once, first. An index that cannot be read loads
   * as empty.
   */
  load(): StoredEntry[] {
    assert(this.#firstId === -1, "the index is loaded once");
    const files = scanDataFiles(this.#dataDir);
    for (const error of files.errors) this.#options.onError(error);
    let loaded = this.#tryLoad();
    // A database beyond use has been moved aside: the second try makes a fresh one.
    if (loaded === "again") loaded = this.#tryLoad();
    const usable = loaded !== "again" && loaded !== null ? loaded : null;
    let idMax = usable === null ? 0 : usable.idMax;
    for (const id of files.ids) idMax = Math.max(idMax, id);
    // R-INDEX-1
    this.#firstId = idMax + 1;
    this.#nextId = this.#firstId;
    if (usable === null) {
      this.#fenceId = this.#firstId;
      this.#schedule();
      return [];
    }
    for (const { id, start, end } of usable.lost) this.cut(id, start, end);
    for (const id of usable.dead) this.drop(id);
    this.#retryFactor = 0;
    const known = new Set(usable.entries.map((entry) => entry.id));
    this.#strays = files.ids.filter((id) => !known.has(id));
    return usable.entries;
  }

  /** The first id that `nextId` gives in this run: from here on no data file exists yet. */
  firstId(): number {
    assert(this.#firstId > 0, "the index is loaded first");
    return this.#firstId;
  }

  /** An id that no entry of this directory has had. */
  nextId(): number {
    assert(this.#nextId > 0, "the index is loaded first");
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  /** Queues an entry's row, without its spans: those are told one by one, as their bytes are in the file. */
  put(entry: StoredEntry): void {
    queuePut(this.#queue, {
      id: entry.id,
      key: entry.key,
      url: entry.url,
      finalUrl: entry.finalUrl,
      kind: entry.kind,
      fields: JSON.stringify(entry.fields),
      total: entry.total,
      requestMs: Math.trunc(entry.requestMs),
      responseMs: Math.trunc(entry.responseMs),
      targetDurationMs: Math.trunc(entry.targetDurationMs),
      accessMs: Math.trunc(entry.accessMs),
      pinned: entry.pinned ? 1 : 0,
    });
    this.#schedule();
  }

  /** Queues a stored span, end exclusive. Its bytes must be in the file, and its entry put before. */
  spans(id: number, start: number, end: number): void {
    // R-INDEX-13
    assert(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start < end, "a span has bytes");
    queueEdit(this.#queue, id, { kind: "add", start, end });
    this.#schedule();
  }

  /** Queues that bytes are not stored any more, end exclusive. */
  cut(id: number, start: number, end: number): void {
    queueEdit(this.#queue, id, { kind: "cut", start, end });
    this.#schedule();
  }

  /** Queues the time of an access, in milliseconds since the epoch; the latest one counts. */
  touch(id: number, accessMs: number): void {
    queueTouch(this.#queue, id, Math.trunc(accessMs));
    this.#schedule();
  }

  /** Queues the end of an entry; what waits for it is not written any more. Its file is the caller's to remove. */
  drop(id: number): void {
    queueDrop(this.#queue, id);
    this.#schedule();
  }

  /** Forgets all entries, at once. */
  clear(): void {
    queueClear(this.#queue);
    this.#clears = true;
    this.flush();
  }

  /** Writes all that waits, before it returns, unless the database refuses. */
  flush(): void {
    this.#stopTimers();
    let moved = false;
    while (this.#pending()) {
      const outcome = this.#writeBatch();
      // A fresh database deserves one try.
      if (outcome === "refused" || (outcome === "moved" && moved)) break;
      moved = outcome === "moved";
    }
    this.#schedule();
  }

  /** Writes all that waits and closes the database. Nothing may be queued afterwards. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#stopTimers();
    try {
      if (this.#database !== null && this.#retryFactor === 0) {
        this.#database.connection.pragma("wal_checkpoint(TRUNCATE)");
      }
      this.#database?.connection.close();
    } catch (error) {
      this.#options.onError(error as Error);
    }
    this.#database = null;
  }

  /** "degraded" while what is queued cannot be written. */
  health(): "ok" | "degraded" {
    return this.#retryFactor === 0 ? "ok" : "degraded";
  }

  counts(): CacheIndexCounts {
    return {
      queued: queueRows(this.#queue),
      written: this.#written,
      forgotten: this.#queue.forgotten,
      strays: this.#strays.length,
    };
  }

  /** Deletes the data files that had no row at the start, a few at a time; `done` gets how many went. */
  sweep(done: (removed: number) => void): void {
    let removed = 0;
    const step = (): void => {
      // R-INDEX-10
      const ids = this.#closed ? [] : this.#strays.splice(-sweepStep);
      let left = ids.length;
      if (left === 0) {
        done(removed);
        return;
      }
      for (const id of ids) {
        fs.unlink(path.join(this.#dataDir, dataFileName(id)), (error) => {
          if (error === null) removed += 1;
          else if (error.code !== "ENOENT") this.#options.onError(error);
          left -= 1;
          if (left === 0) setImmediate(step);
        });
      }
    };
    setImmediate(step);
  }

  #tryLoad(): ReturnType<typeof loadIndex> | "again" | null {
    try {
      this.#database ??= openIndexDatabase(this.#dir, openBusyMs);
      return loadIndex(this.#database.connection, this.#dataDir);
    } catch (error) {
      return this.#failed(error) ? "again" : null;
    }
  }

  #pending(): boolean {
    return this.#clears || this.#fenceId !== -1 || queueRows(this.#queue) > 0;
  }

  /** Starts what leads to the next write: at once for what is due, else in a while. */
  #schedule(): void {
    assert(!this.#closed, "nothing is queued in a closed index");
    if (this.#immediate !== null || !this.#pending()) return;
    const due = this.#retryFactor === 0 ? queueDue(this.#queue, this.#options.journalRowsMax) : 0;
    if (due > 0) {
      this.#stopTimers();
      this.#left = due;
      this.#immediate = setImmediate(() => this.#run());
      return;
    }
    const delayMs = this.#options.journalMs * Math.max(1, this.#retryFactor);
    // The timer keeps no process alive: `close` writes what waits.
    this.#timer ??= setTimeout(() => {
      this.#left = queueRows(this.#queue);
      this.#run();
    }, delayMs).unref();
  }

  /** Writes one batch; the next one follows after the events that came meanwhile, until what waited is written. */
  #run(): void {
    this.#stopTimers();
    const before = this.#written;
    const outcome = this.#writeBatch();
    this.#left -= this.#written - before;
    if (outcome === "written" && this.#left > 0 && this.#pending()) this.#immediate = setImmediate(() => this.#run());
    else this.#schedule();
  }

  #stopTimers(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
  }

  #writeBatch(): "written" | "moved" | "refused" {
    const batch = queueBatch(this.#queue, this.#options.journalRowsMax);
    try {
      this.#database ??= openIndexDatabase(this.#dir, 0);
      this.#database.write(batch, this.#clears, this.#fenceId);
    } catch (error) {
      // R-INDEX-12: the batch is still queued. A row that the schema refuses would be refused for ever.
      if (sqliteCode(error).startsWith("SQLITE_CONSTRAINT")) queueTake(this.#queue, batch);
      return this.#failed(error) ? "moved" : "refused";
    }
    queueTake(this.#queue, batch);
    this.#written += batchRows(batch);
    this.#clears = false;
    this.#fenceId = -1;
    this.#retryFactor = 0;
    return "written";
  }

  /** Notes a failure; true when the database was beyond use and is out of the way. Any but SQLite's is thrown on. */
  #failed(error: unknown): boolean {
    const failure = error instanceof Error ? error : new Error(String(error));
    const operating =
      sqliteCode(error) !== "" || isCorrupt(error) || (error as NodeJS.ErrnoException).code !== undefined;
    if (!operating) throw failure;
    this.#options.onError(failure);
    this.#retryFactor = Math.min(Math.max(1, this.#retryFactor * 2), retryFactorMax);
    if (!isCorrupt(error)) return false;
    try {
      this.#database?.connection.close();
      this.#database = null;
      moveAside(this.#dir);
      return true;
    } catch (asideError) {
      this.#options.onError(asideError as Error);
      return false;
    }
  }
}

function batchRows(batch: ReturnType<typeof queueBatch>): number {
  let rows = batch.touches.length;
  for (const { change } of batch.changes) {
    rows += (change.dropped ? 1 : 0) + (change.row === null ? 0 : 1) + change.edits.length;
  }
  return rows;
}
